/* SPDX-License-Identifier: MIT
 *
 * In: SIGINT, SIGTERM, SIGHUP. Out: a capture that stops, so that the run ends in good order.
 * Refuses a second time: a signal that comes a second later ends the program as it always would.
 */
#include "stop.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

/* A handler is given nothing but a number, so these have to be outside. */
static struct wst_capture *volatile stopping;
static volatile sig_atomic_t stopped;
static volatile time_t stopped_s; /* monotonic; written before `stopped` */

/* timeout(1) sends its signal twice, to its child and to their group: that is one wish, not two. */
static void on_signal(int number)
{
    struct timespec now = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (stopped && now.tv_sec - stopped_s > 1) {
        signal(number, SIG_DFL);
        if (raise(number) != 0) _exit(128 + number); /* a sandbox may refuse it */
    }
    if (!stopped) stopped_s = now.tv_sec;
    stopped = 1;
    if (stopping) wst_capture_stop(stopping);
}

/* No SA_RESTART: a read that waits for a pipe has to come back. An ignored SIGHUP stays so (nohup).
 * SIGINT does not, as in tcpdump: scripts ignore it for all that they start in the background. */
static void handle(int number)
{
    struct sigaction action = {.sa_handler = on_signal}, before;

    if (number == SIGHUP && sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
        return;
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
