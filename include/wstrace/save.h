/* SPDX-License-Identifier: MIT
 *
 * Packets into a capture file: all of them, or those of WebSocket connections, from their first
 * on.
 */
#ifndef WSTRACE_SAVE_H
#define WSTRACE_SAVE_H

#include <wstrace/capture.h>
#include <wstrace/render.h>

#ifdef __cplusplus
WST_ALIKE
extern "C" {
#endif

enum wst_save_format {
    WST_SAVE_PCAP,  /* classic, nanoseconds, byte order of the machine; one link type */
    WST_SAVE_PCAPNG /* nanoseconds; any link types; dropped packets in its statistics */
};

struct wst_save; /* owned by the caller */

/* `snaplen` is what the files say of it. `hold`: bytes of undecided packets kept at most (0: 32
 * MiB); a conversation has a sixteenth of it, and the oldest packets go first. NULL: out of memory.
 */
WST_API struct wst_save *wst_save_new(enum wst_save_format format, uint32_t snaplen, size_t hold,
                                      wst_write_fn write, void *user);
WST_API void wst_save_free(struct wst_save *save);
/* A file begins: its head goes to the writer. `link_type`: of a classic file, whatever comes.
 * Returns 0, or a negative number as the writer did; from then on nothing more is written. */
WST_API int wst_save_begin(struct wst_save *save, uint32_t link_type);
/* One packet. Returns 0, a negative number as the writer did, or WST_SAVE_LINK_TYPE: a classic file
 * cannot hold packets of another link type; this one is left out. */
enum { WST_SAVE_LINK_TYPE = 1 };
WST_API int wst_save_packet(struct wst_save *save, const struct wst_packet *packet);
/* The same, kept back while its conversation `stream` is undecided, and forgotten when it is
 * something else. When it is WebSocket the packets kept back are written first: the packets of one
 * conversation are in order, those of several need not be. */
WST_API int wst_save_chosen(struct wst_save *save, const struct wst_packet *packet,
                            enum wst_fate fate, uint64_t stream);
/* The conversation is WebSocket (see wst_context_chosen): what is kept back of it is written.
 * Returns as wst_save_packet, WST_SAVE_LINK_TYPE when that is so of any. */
WST_API int wst_save_release(struct wst_save *save, uint64_t stream);
/* Hands over what is buffered. */
WST_API int wst_save_flush(struct wst_save *save);
/* The file is complete; in pcapng with these counters (or NULL). Hands over what is buffered.
 * wst_save_begin may begin another. Undecided packets are kept for it. */
WST_API int wst_save_end(struct wst_save *save, const uint64_t *received, const uint64_t *dropped);
/* Bytes of the file so far, buffered ones as well. */
WST_API uint64_t wst_save_bytes(const struct wst_save *save);
/* Packets of WebSocket connections that were forgotten before it was known that they are. */
WST_API uint64_t wst_save_forgotten(const struct wst_save *save);
/* Packets that are not in the file and were undecided: those kept back, and those that were given
 * up to keep others. */
struct wst_save_undecided {
    uint64_t packets;
    uint64_t connections;
    bool at_most; /* connections: one that was given up may have been kept back again */
};
WST_API struct wst_save_undecided wst_save_undecided(const struct wst_save *save);

#ifdef __cplusplus
}
WST_ALIKE_END
#endif
#endif
