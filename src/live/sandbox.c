/* SPDX-License-Identifier: MIT
 *
 * In: what must still be possible. Out: a process for which nothing else is.
 * Refuses to be taken back.
 */
#include "sandbox.h"

#ifdef __linux__
#include <sys/prctl.h>
#endif

int wst_live_sandbox(const struct wst_live_sandbox *sandbox, char error[WST_LIVE_ERROR_SIZE])
{
    int files, calls;

#ifdef PR_SET_DUMPABLE
    /* Who was root is not to be traced by others of the user it became; but a leak checker traces.
     */
    prctl(PR_SET_DUMPABLE, WST_LIVE_SANITIZED, 0, 0, 0);
#endif
    files = wst_live_wall_files(sandbox, error); /* first: its calls are on no list */
    if (files < 0) return -1;
    calls = wst_live_wall_calls(sandbox, error);
    if (calls < 0) return -1;
    return (files ? WST_LIVE_WALL_FILES : 0) | (calls ? WST_LIVE_WALL_CALLS : 0);
}
