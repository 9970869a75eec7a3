# SPDX-License-Identifier: Apache-2.0
"""Waiting by deadline on a condition: the only way a test waits."""

import select
import time


def until(condition, what, seconds=10.0, step=0.01):
    """Polls condition() until it is true; returns its value. Fails naming what was waited for."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        left = end - time.monotonic()
        if left <= 0:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        select.select([], [], [], min(step, left))
