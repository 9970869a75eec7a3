/* SPDX-License-Identifier: Apache-2.0
 * What serve and demo share: the process around a running gateway. */
#ifndef DIRHINGE_APP_SERVE_H
#define DIRHINGE_APP_SERVE_H

#include <signal.h>

/* Before any thread: no core dumps, no tracing, private files, signals blocked (they are waited for by main). */
void process_setup(sigset_t *waited_r);

#endif
