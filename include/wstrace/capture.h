/* SPDX-License-Identifier: MIT
 *
 * Packets from files, standard input or a device. libpcap reads live interfaces
 * and the headers of classic pcap files; the records of both formats are read by readers of our own
 * (docs/ARCHITECTURE.md says why).
 */
#ifndef WSTRACE_CAPTURE_H
#define WSTRACE_CAPTURE_H

#include <wstrace/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wst_packet {
    struct wst_slice data; /* captured bytes, from the link header on */
    uint32_t wire_len;     /* length on the wire; >= data.n unless the file lies */
    uint32_t link_type;    /* LINKTYPE_ number of the pcap registry (1 EN10MB, 101 RAW …) */
    struct wst_when when;  /* number and time */
    bool nanos;            /* the source counts finer than microseconds */
    uint32_t device;       /* which live device, 0-based in the order added; 0 for files */
};

struct wst_capture; /* a row of sources read as one capture */

/* What a capture tells. Every function may be NULL, but `packet` only where `packets` is not. */
struct wst_capture_sink {
    void *user;
    /* A packet that passed the filter. Return nonzero to stop reading. */
    int (*packet)(void *user, const struct wst_packet *packet);
    /* In place of `packet`: up to WST_CAPTURE_ROW packets that came one after another, with nothing
     * else to be told between them (see wst_context_packets); of devices one. Return nonzero to
     * stop reading. After wst_capture_stop those of the row that was being filled are still told.
     */
    int (*packets)(void *user, const struct wst_packet *packets, size_t n);
    /* A decryption secrets block; type as in the pcapng format. */
    void (*secrets)(void *user, uint32_t type, struct wst_slice secrets);
    /* A comment: on packet `pkt`, or on the file when 0. Not checked to be UTF-8. */
    void (*comment)(void *user, uint64_t pkt, struct wst_slice text);
    /* Something is wrong with a source: what, and where: the packet read last and the byte in
     * the (decompressed) file where reading stopped; both 0 where that makes no sense. `what` is
     * one sentence without a newline. Reading goes on with the next source. */
    void (*trouble)(void *user, const char *source, uint64_t pkt, uint64_t byte, const char *what);

    /* -- devices only -- */
    /* The kernel dropped `packets`, none of them before `ns` (nanoseconds since 1970), because
     * nobody took what it had buffered. Told between the packets, where it happened. */
    void (*dropped)(void *user, uint64_t packets, int64_t ns);
    /* All that passed before `ns` has been pushed (0: unknown), and nothing more is there now.
     * Called at once when it becomes so, and then every WST_CAPTURE_PAUSE_MS. Show what is
     * buffered; let capture time go on (wst_context_tick). */
    void (*pause)(void *user, int64_t ns);
    /* Nanoseconds since 1970. The library reads no clock: without this one `ns` above is 0. Called
     * from another thread. */
    int64_t (*now)(void *user);

    /* -- files only -- */
    /* The turn of a file: what is told next is its own. `name`: as it was added. */
    void (*turn)(void *user, const char *name);
};

/* Type of secrets that are a TLS key log, whole: for wst_context_keylog. */
enum { WST_CAPTURE_KEY_LOG = 0x544c534b };

enum {
    WST_CAPTURE_ROW = 512,         /* packets told at once, at most; 24 KiB */
    WST_CAPTURE_PAUSE_MS = 50,     /* how late a silent device may notice wst_capture_stop */
    WST_CAPTURE_QUEUE = 64 << 20,  /* default of wst_capture_set_queue */
    WST_CAPTURE_BUFFER_KIB = 16384 /* default of wst_live_options.buffer_kib */
};

#define WST_CAPTURE_ERROR_SIZE 512

/* An empty row. NULL when out of memory. */
WST_API struct wst_capture *wst_capture_new(void);
WST_API void wst_capture_free(struct wst_capture *capture);

/* Adds a file: classic pcap (either byte order, µs or ns), pcapng, either one gzipped; "-" is
 * standard input. `filter`: a BPF expression for this file alone, or NULL. The name and filter are
 * copied. Nothing is opened yet. Returns 0, or -1 when out of memory. */
WST_API int wst_capture_add_file(struct wst_capture *capture, const char *name, const char *filter);

struct wst_live_options {
    const char *device; /* name, "any", or its number as wst_capture_devices lists it */
    int snaplen;        /* 0: 262144 */
    bool no_promiscuous;
    int buffer_kib;        /* kernel buffer; 0: WST_CAPTURE_BUFFER_KIB */
    const char *link_type; /* DLT name, or NULL */
};
/* Adds a live device; opened by wst_capture_open. Several are listened on at the same time, when
 * the first of them has its turn. Returns 0, or -1 when out of memory. */
WST_API int wst_capture_add_live(struct wst_capture *capture,
                                 const struct wst_live_options *options);

/* Devices are read by a thread of their own, so that a slow `packet` does not make the kernel drop:
 * what it has not taken yet waits in a queue of so many bytes (1 MiB at least; before
 * wst_capture_run), and only when that is full, in the kernel's buffer. */
WST_API void wst_capture_set_queue(struct wst_capture *capture, size_t bytes);
/* Bytes that wait in it, of how many. Both 0 unless devices are being read. */
WST_API void wst_capture_queue(const struct wst_capture *capture, size_t *used, size_t *size);

/* Regular files from 4 MiB on are read, and unzipped, by a thread of their own, half a
 * megabyte ahead, as long as that is found to be faster (default: no; before wst_capture_run). The
 * sink is told the same, in the same thread: the one that called wst_capture_run, which has ended
 * the other when it returns. */
WST_API void wst_capture_set_read_ahead(struct wst_capture *capture, bool on);

/* BPF expression for every source (in addition to a file's own). Copied. 0, or -1 out of memory. */
WST_API int wst_capture_set_filter(struct wst_capture *capture, const char *filter);

/* Opens what was added far enough to know each link type (for files: up to the first packet), and
 * compiles the filters. Files are held open until their turn, 512 of them at most.
 * Returns 0. Returns a negative number with a message in `error` when a filter does not compile
 * (for files: WST_CAPTURE_BAD_FILTER), a device cannot be opened, or not one source can be read; a
 * file that cannot be read beside others that can is told to `sink->trouble` at its turn by
 * wst_capture_run. After a failure it may be called again, with another filter for files, or with
 * more sources; what was open stays so. */
enum { WST_CAPTURE_BAD_FILTER = -2 };
WST_API int wst_capture_open(struct wst_capture *capture, char error[WST_CAPTURE_ERROR_SIZE]);

/* After wst_capture_open: the files that are not held open but will be opened at their turn, for
 * there are more than 512; valid until the capture is freed. */
WST_API const char *const *wst_capture_unopened(struct wst_capture *capture, size_t *n);
/* After wst_capture_open: distinct link-type names ("EN10MB"; "LINKTYPE_4711" when it has none) in
 * the order met; valid until the capture is freed. */
WST_API const char *const *wst_capture_link_types(const struct wst_capture *capture, size_t *n);
/* After wst_capture_open: the LINKTYPE_ number met first; 1 (Ethernet) when there was none. */
WST_API uint32_t wst_capture_first_link_type(const struct wst_capture *capture);
/* "EN10MB", "LINKTYPE_4711": written to `text`, which is returned. */
WST_API const char *wst_capture_link_type_name(uint32_t link_type, char text[64]);
/* Sum of the sizes of the regular files, for progress; 0 when unknown. */
WST_API uint64_t wst_capture_total_bytes(const struct wst_capture *capture);
/* Bytes of them read so far (compressed bytes for gzip). May be called from `packet`
 * and `packets`. */
WST_API uint64_t wst_capture_read_bytes(const struct wst_capture *capture);

/* Reads everything and pushes it. Live: until wst_capture_stop. Returns the number of troubles
 * told; 0: all was well. Packets that fail the filter are counted in the numbering but not pushed.
 */
WST_API int wst_capture_run(struct wst_capture *capture, const struct wst_capture_sink *sink);
/* Goes through the regular files that are not read to their end yet, for decryption secrets alone:
 * a pcapng may hold them behind the packets they open. May be called from inside wst_capture_run,
 * which will tell those secrets again; damage is not told here. */
WST_API void wst_capture_secrets_ahead(struct wst_capture *capture,
                                       void (*secrets)(void *user, uint32_t type,
                                                       struct wst_slice secrets),
                                       void *user);
/* Makes wst_capture_run return soon. Safe in a signal handler and from another thread. */
WST_API void wst_capture_stop(struct wst_capture *capture);
/* Live counters as tcpdump shows them: pushed, passed the filter, dropped by the kernel. Returns
 * false when no source is live. During wst_capture_run from its thread only; the last two are then
 * up to 50 ms old. */
WST_API bool wst_capture_counters(struct wst_capture *capture, uint64_t *captured,
                                  uint64_t *received, uint64_t *dropped);

/* Calls `device` for each interface that can be captured on, numbered from 1. Returns 0, or -1
 * with a message. `text` describes it or is NULL. */
WST_API int wst_capture_devices(void (*device)(void *user, int number, const char *name,
                                               const char *text),
                                void *user, char error[WST_CAPTURE_ERROR_SIZE]);
/* Calls `link_type` for each link type that `device` (name or number) can be captured with: name,
 * and a description or NULL. Opens the device for that. Returns 0, or -1 with a message. */
WST_API int wst_capture_device_link_types(const char *device,
                                          void (*link_type)(void *user, const char *name,
                                                            const char *text),
                                          void *user, char error[WST_CAPTURE_ERROR_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
