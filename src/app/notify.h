/* SPDX-License-Identifier: Apache-2.0
 * Tells the service manager the state (sd_notify(3)), if it asked for it. */
#ifndef DIRHINGE_APP_NOTIFY_H
#define DIRHINGE_APP_NOTIFY_H

/* "READY=1", "STOPPING=1", … ; nothing without NOTIFY_SOCKET. */
void notify_send(const char *state);
/* RELOADING=1 with the time that Type=notify-reload wants. */
void notify_reloading(void);

#endif
