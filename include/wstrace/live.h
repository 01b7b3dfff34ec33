/* SPDX-License-Identifier: MIT
 *
 * Giving up what reading strangers' bytes does not need: root, capabilities, files, the network,
 * other programs. In this order: open everything; wst_live_drop_privileges; wst_live_sandbox; and
 * only then look at the first packet. Both concern the whole process, cannot be taken back, and
 * belong before its first thread.
 */
#ifndef WSTRACE_LIVE_H
#define WSTRACE_LIVE_H

#include <wstrace/types.h>

#ifdef __cplusplus
WST_ALIKE
extern "C" {
#endif

#define WST_LIVE_ERROR_SIZE 256

/* As root: becomes `user` (a name of the user database), with that user's group, no other groups
 * and no capability, not even to be gained again. "root": stays root, without capabilities.
 * As anybody else: gives up the capabilities that the file of the program gave; `user` is then
 * ignored. Returns 0; -1 with a sentence in `error`: the process may have changed in part, and
 * must not go on. */
WST_API int wst_live_drop_privileges(const char *user, char error[WST_LIVE_ERROR_SIZE]);

struct wst_live_sandbox {
    /* Files that may still be opened, to be read: the ones a capture could not hold open. */
    const char *const *readable;
    size_t readable_n;
};

enum wst_live_walls {
    WST_LIVE_WALL_CALLS = 1, /* seccomp: only the system calls on a list */
    WST_LIVE_WALL_FILES = 2, /* Landlock: no file, no port, whatever call asks for it */
};

/* From here on: what is open can be read and written, memory and threads can be had. Opening a
 * file, making a socket, starting a program, sending signals to others fail with EPERM or EACCES.
 * Returns the enum wst_live_walls that stand: 0 where the system has neither, only _CALLS on Linux
 * before 5.13. -1 with a sentence in `error` when a wall that should stand does not. */
WST_API int wst_live_sandbox(const struct wst_live_sandbox *sandbox,
                             char error[WST_LIVE_ERROR_SIZE]);

#ifdef __cplusplus
}
WST_ALIKE_END
#endif
#endif
