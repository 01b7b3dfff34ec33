/* SPDX-License-Identifier: MIT
 *
 * In: a user's name. Out: a process that is that user, and has no capability.
 * Refuses to go on half way: what could not be given up is an error.
 */
#include <wstrace/live.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if WST_HAVE_CAP_NG
#include <cap-ng.h>
#endif
#ifdef __linux__
#include <sys/prctl.h>
#endif

static int refuse(char *error, const char *what, const char *who)
{
    snprintf(error, WST_LIVE_ERROR_SIZE, "%s %.100s: %s", what, who, strerror(errno));
    return -1;
}

#if WST_HAVE_CAP_NG

static int become(const struct passwd *user, char *error)
{
    int rc;

    capng_clear(CAPNG_SELECT_BOTH);
    errno = 0;
    rc = capng_change_id((int)user->pw_uid, (int)user->pw_gid,
                         (capng_flags_t)(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
    if (rc == 0) return 0;
    snprintf(error, WST_LIVE_ERROR_SIZE,
             "cannot become user %.100s: step %d of capng_change_id: %s", user->pw_name, -rc,
             strerror(errno));
    return -1;
}

/* Root stays root, in name; anybody else stays who he is. The bounding set, which says what could
 * be gained by starting a program, can be emptied by those who have CAP_SETPCAP only. */
static int give_up_capabilities(char *error)
{
    capng_select_t which = CAPNG_SELECT_CAPS;

    if (capng_get_caps_process() != 0) return refuse(error, "cannot ask for the", "capabilities");
    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)) which = CAPNG_SELECT_BOTH;
    capng_clear(CAPNG_SELECT_BOTH);
    if (capng_apply(which) != 0) return refuse(error, "cannot give up the", "capabilities");
    if (capng_get_caps_process() != 0 || capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
        return refuse(error, "the kernel keeps", "capabilities");
    return 0;
}

#else /* the kernel takes the capabilities from who stops being root */

static int become(const struct passwd *user, char *error)
{
    if (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
        return refuse(error, "cannot become user", user->pw_name);
    return 0;
}

static int give_up_capabilities(char *error)
{
    (void)error;
    return 0;
}

#endif

static int check_gone(char *error)
{
    if (setuid(0) == 0 || geteuid() == 0 || getegid() == 0) {
        snprintf(error, WST_LIVE_ERROR_SIZE, "is still root");
        return -1;
    }
    return 0;
}

int wst_live_drop_privileges(const char *name, char error[WST_LIVE_ERROR_SIZE])
{
    const struct passwd *user;

#ifdef PR_SET_NO_NEW_PRIVS
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refuse(error, "cannot renounce", "new privileges");
#endif
    if (geteuid() != 0) return give_up_capabilities(error);
    errno = 0;
    user = getpwnam(name);
    if (!user) {
        snprintf(error, WST_LIVE_ERROR_SIZE, "there is no user %.100s%s%s", name, errno ? ": " : "",
                 errno ? strerror(errno) : "");
        return -1;
    }
    if (user->pw_uid == 0) return give_up_capabilities(error);
    return become(user, error) == 0 ? check_gone(error) : -1;
}
