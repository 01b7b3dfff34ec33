/* SPDX-License-Identifier: MIT
 *
 * In: a run with everything open. Out: the same run, as a user who may do nothing, in a sandbox.
 * Refuses to parse as root by accident; --no-sandbox is said loudly.
 */
#include "confine.h"

#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wstrace/live.h>

const char *wst_tool_confine_user(const struct wst_tool_confinement *c)
{
    const char *sudo = getenv("SUDO_USER");

    if (geteuid() != 0) return NULL;
    if (c->user) return c->user;
    return sudo && *sudo ? sudo : "nobody";
}

const char *wst_tool_confine_owner(const struct wst_tool_confinement *c)
{
    const char *user = wst_tool_confine_user(c);

    return user && strcmp(user, "nobody") != 0 && strcmp(user, "root") != 0 ? user : NULL;
}

/* What C libraries read from files when first asked: the time zone. */
static void read_ahead(void)
{
    time_t now = time(NULL);
    struct tm tm;

    tzset();
    localtime_r(&now, &tm);
}

/* Inside a container root may be the only user there is. Reading a file then goes on without root's
 * capabilities; listening, and a user asked for by name, do not. */
int wst_tool_confine_drop(const struct wst_tool_confinement *c)
{
    const char *user = wst_tool_confine_user(c);
    char error[WST_LIVE_ERROR_SIZE], again[WST_LIVE_ERROR_SIZE];

    read_ahead();
    if (c->user && user == NULL) {
        wst_tool_say("-Z %s: only root can become another user", c->user);
        return WST_TOOL_TROUBLE;
    }
    if (wst_live_drop_privileges(user ? user : "", error) == 0) return 0;
    if (user && !c->user && !c->live && geteuid() == 0 &&
        wst_live_drop_privileges("root", again) == 0)
        return 0;
    wst_tool_say("cannot give up privileges: %s", error);
    return WST_TOOL_TROUBLE;
}

int wst_tool_confine_wall(const struct wst_tool_confinement *c, const char *const *readable,
                          size_t readable_n)
{
    struct wst_live_sandbox sandbox = {readable, readable_n};
    char error[WST_LIVE_ERROR_SIZE];
    int walls;

    if (c->no_sandbox) {
        wst_tool_say("WARNING: --no-sandbox: whoever finds a fault in this program and sends the "
                     "right packets can do what user %u can do",
                     (unsigned)geteuid());
        return 0;
    }
    walls = wst_live_sandbox(&sandbox, error);
    if (walls < 0) {
        wst_tool_say("cannot enter the sandbox: %s (--no-sandbox goes without)", error);
        return WST_TOOL_TROUBLE;
    }
    if (c->verbose && !(walls & WST_LIVE_WALL_CALLS))
        wst_tool_say("there is no sandbox on this system");
    return 0;
}

int wst_tool_confine(const struct wst_tool_confinement *c, const char *const *readable,
                     size_t readable_n)
{
    int status = wst_tool_confine_drop(c);

    return status ? status : wst_tool_confine_wall(c, readable, readable_n);
}
