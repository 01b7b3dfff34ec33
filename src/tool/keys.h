/* SPDX-License-Identifier: MIT
 *
 * In: key logs, private keys, and the secrets a capture holds. Out: the same in a context.
 * Refuses to let them out: nothing here prints a secret, and no core is dumped once one is loaded.
 */
#ifndef WST_TOOL_KEYS_H
#define WST_TOOL_KEYS_H

#include <wstrace/wstrace.h>

struct wst_tool_key_options {
    const char **keylogs; /* --keylog, in order */
    size_t keylogs_n;
    const char **rsa_keys; /* --rsa-key */
    size_t rsa_keys_n;
};

struct wst_tool_broker;
struct wst_tool_keylog; /* one that is read, and followed while it grows */

struct wst_tool_keys {
    struct wst_context *context;
    struct wst_tool_keylog *logs; /* owned */
    size_t logs_n;
    struct wst_tool_broker *broker; /* opens them where this process may not; or NULL */
    bool follow;
    int64_t looked_ns, stat_ns; /* monotonic */
};

/* Whether secrets may come while packets do: a key log, and an input that is still growing. */
bool wst_tool_keys_may_come(const struct wst_tool_key_options *options, bool growing);
/* How many names there are, written to `names` (WST_TOOL_KEYS_NAMES of them at most): key logs,
 * with that of SSLKEYLOGFILE, in the order of wst_tool_keys.logs, then private keys. */
size_t wst_tool_keys_names(const struct wst_tool_key_options *options, const char **names);
#define WST_TOOL_KEYS_NAMES(options) ((options)->keylogs_n + (options)->rsa_keys_n + 1)
/* Reads every key log named, and the one of SSLKEYLOGFILE, into the context. `broker`: what opens
 * them (what wst_tool_keys_names says is the first it may read), or NULL. `follow`: what is
 * appended later is read, too, and a log may not be there yet. Returns 0 or the exit status. */
int wst_tool_keys_open(struct wst_tool_keys *keys, struct wst_context *context,
                       const struct wst_tool_key_options *options, struct wst_tool_broker *broker,
                       bool follow);
/* Reads what was appended; cheap to call for every packet. `now`: whatever the clock says. */
void wst_tool_keys_look(struct wst_tool_keys *keys, bool now);
void wst_tool_keys_close(struct wst_tool_keys *keys);
/* A wst_capture_sink.secrets whose user is the keys: decryption secrets of a pcapng. */
void wst_tool_keys_secrets(void *user, uint32_t type, struct wst_slice secrets);
/* What nobody could see, if there was something: "… stayed closed and was not read: no key". */
void wst_tool_keys_say_closed(const struct wst_event_stats *stats, const char *what_not);

#endif
