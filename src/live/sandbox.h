/* SPDX-License-Identifier: MIT
 *
 * The two walls of the sandbox, private to this room. Each returns 1 when it stands, 0 when this
 * system has none, -1 with a sentence.
 */
#ifndef WST_LIVE_SANDBOX_H
#define WST_LIVE_SANDBOX_H

#include <wstrace/live.h>

/* What sanitizers do at the end of a run: read /proc/self, start a thread that traces the others.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WST_LIVE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WST_LIVE_SANITIZED 1
#endif
#endif
#ifndef WST_LIVE_SANITIZED
#define WST_LIVE_SANITIZED 0
#endif

int wst_live_wall_calls(const struct wst_live_sandbox *sandbox, char error[WST_LIVE_ERROR_SIZE]);
int wst_live_wall_files(const struct wst_live_sandbox *sandbox, char error[WST_LIVE_ERROR_SIZE]);

#endif
