/* SPDX-License-Identifier: MIT
 *
 * In: SIGINT, SIGTERM, SIGHUP. Out: a capture that stops, so that the run ends in good order.
 * Refuses a second time: the next signal of the sort ends the program as it always would.
 */
#include "stop.h"

#include <signal.h>

/* A handler is given nothing but a number, so these have to be outside. */
static struct wst_capture *volatile stopping;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
    if (stopping) wst_capture_stop(stopping);
}

/* No SA_RESTART: a read that waits for a pipe has to come back. Ignored ones stay so (nohup). */
static void handle(int number)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}, before;

    if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN) return;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void wst_tool_stop_on_signals(struct wst_capture *capture)
{
    stopping = capture;
    if (capture == NULL) return;
    handle(SIGINT);
    handle(SIGTERM);
    handle(SIGHUP);
}

bool wst_tool_stopped(void)
{
    return stopped;
}
