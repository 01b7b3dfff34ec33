/* SPDX-License-Identifier: MIT
 *
 * What a timeline is made of: the event contract, schema 1, as C structures.
 * docs/EVENTS.md says what each field means; the names here are the names there.
 *
 * Everything an event points to is borrowed: valid until the callback returns.
 * A slice with p == NULL stands for null. All integers are in host byte order.
 */
#ifndef WSTRACE_EVENT_H
#define WSTRACE_EVENT_H

#include <wstrace/types.h>

#ifdef __cplusplus
WST_ALIKE
extern "C" {
#endif

#define WST_SCHEMA 1

enum wst_event_type {
    WST_EVENT_META,      /* the first, once */
    WST_EVENT_HANDSHAKE, /* RFC 6455 section 4 */
    WST_EVENT_FRAME,     /* RFC 6455 section 5.2 */
    WST_EVENT_MESSAGE,   /* RFC 6455 section 5.4, RFC 7692 */
    WST_EVENT_CLOSE,     /* RFC 6455 section 5.5.1 */
    WST_EVENT_GAP,       /* bytes that never arrived in the capture */
    WST_EVENT_PROBLEM,   /* a finding, from problems.def */
    WST_EVENT_END,       /* one for each accepted connection */
    WST_EVENT_STATS,     /* the last, once */
    WST_EVENT_TYPES
};

enum wst_level { WST_NOTE, WST_WARNING, WST_ERROR, WST_LEVELS };

/* Whom a finding is about: an endpoint, for what it did; or nobody, for the capture, the network or
 * a limit of ours kept something from being seen. */
enum wst_blame { WST_NOBODY, WST_PEER };

/* One name for each row of problems.def: WST_PROBLEM_FRAME_UNMASKED_CLIENT … */
enum wst_problem {
#define WST_PROBLEM_ROW(NAME, id, level, of, rfc, meaning, advice) WST_PROBLEM_##NAME,
#include <wstrace/problems.def>
#undef WST_PROBLEM_ROW
    WST_PROBLEMS
};

struct wst_problem_row {
    const char *id; /* "frame.unmasked-client"; stable */
    enum wst_level level;
    enum wst_blame of;
    const char *rfc;     /* "RFC 6455 §5.1", or NULL */
    const char *meaning; /* one line */
    const char *advice;  /* one line */
};
/* The row of `problem`; NULL when it is out of range. Static storage. */
WST_API const struct wst_problem_row *wst_problem_row(enum wst_problem problem);
/* Whether its row says WST_PEER; what does not is no verdict over anybody. */
WST_API bool wst_problem_of_peer(enum wst_problem problem);

struct wst_finding { /* how often */
    enum wst_problem problem;
    uint64_t times;
};

/* What rides on WebSocket, one for each row of apps.def: WST_APP_MQTT … (apps.h) */
enum wst_app {
    WST_APP_NONE,
#define WST_APP_ROW(NAME, symbol, id, title, where) WST_APP_##NAME,
#include <wstrace/apps.def>
#undef WST_APP_ROW
    WST_APPS
};

enum wst_carrier { WST_CARRIER_UNKNOWN, WST_CARRIER_HTTP1, WST_CARRIER_H2, WST_CARRIER_H3 };

enum wst_tcp_end { WST_TCP_FIN, WST_TCP_RST, WST_TCP_EOF, WST_TCP_TIMEOUT, WST_TCP_EVICTED };

struct wst_event_meta {
    /* File names or the interface, as given; may hold any bytes but NUL. */
    const char *const *sources;
    size_t sources_n;
    const char *const *link_types; /* "EN10MB" */
    size_t link_types_n;
    const char *filter; /* or NULL */
};

struct wst_header { /* one HTTP header line, as sent, spaces around the value removed */
    struct wst_slice name, value;
};

struct wst_deflate_terms { /* RFC 7692 section 7.1; `agreed` false: the rest is 0 */
    bool agreed;
    bool server_no_context_takeover, client_no_context_takeover;
    uint8_t server_max_window_bits, client_max_window_bits; /* 8–15 */
};

struct wst_tls_info { /* borrowed strings; any may be NULL */
    const char *version, *cipher, *sni, *alpn;
};

struct wst_event_handshake {
    enum wst_carrier carrier;
    const struct wst_tls_info *tls;    /* NULL: not over TLS, or not decrypted */
    int64_t tcp_stream;                /* Wireshark's number; -1 over QUIC */
    int64_t stream_id;                 /* HTTP/2 or HTTP/3 stream; -1: none */
    char client_ip[46], server_ip[46]; /* RFC 5952, NUL-terminated */
    uint16_t client_port, server_port;
    uint64_t request_pkt; /* 0: no request seen */
    struct wst_slice method, host, uri, origin, user_agent;
    int32_t version;         /* Sec-WebSocket-Version; -1: none */
    int32_t status;          /* -1: no response seen */
    struct wst_slice reason; /* the status line's phrase; not in the JSON contract */
    /* 10: HTTP/1.0, 11: HTTP/1.1 …; 0: another carrier, or not seen. Not in the JSON contract. */
    uint8_t request_http, response_http;
    /* When the request's head was whole; 0: none seen. Not in the JSON contract. */
    int64_t request_ns;
    bool accepted;
    struct wst_slice client_key, server_accept, accept_expected;
    int8_t accept_ok; /* 1, 0; -1: cannot be told */
    const struct wst_slice *client_protocols;
    size_t client_protocols_n;
    struct wst_slice subprotocol, client_extensions, server_extensions;
    struct wst_deflate_terms deflate;
    int64_t rtt_ns;                   /* -1: unknown */
    const struct wst_header *refusal; /* of an answer that refused: the lines that say who did, and
                                       * what would help */
    size_t refusal_n;
    const struct wst_header *request_headers, *response_headers;
    size_t request_headers_n, response_headers_n; /* 0 unless options.headers */
    bool headers;                                 /* print the two lists, even when empty */
    char proxied_ip[46]; /* RFC 5952: where a PROXY protocol header says the connection comes from;
                          * empty: none does */
    uint16_t proxied_port;
};

struct wst_event_frame {
    uint64_t n;         /* 1-based, both directions of the connection together */
    uint64_t len;       /* payload length as declared */
    uint64_t offset;    /* of the frame's first byte in its direction's WebSocket bytes */
    uint64_t msg;       /* 0: belongs to no message */
    uint8_t opcode;     /* 0–15 */
    uint8_t header_len; /* 2–14 */
    bool fin, rsv1, rsv2, rsv3, masked;
    bool complete; /* every payload byte was in the capture */
    uint8_t mask_key[4];
    /* Unmasked; control and reserved opcodes only, never close; else null. */
    struct wst_slice payload;
    bool utf8;   /* payload is valid UTF-8 */
    uint64_t payload_omitted; /* bytes of it left out by a limit */
};

enum wst_app_kind {
    WST_APP_NOTHING, /* there is no value */
    WST_APP_TEXT,    /* a slice, UTF-8 */
    WST_APP_BYTES,   /* a slice, anything */
    WST_APP_JSON,    /* a slice: a JSON value in UTF-8, as it was sent, blanks in it too */
    WST_APP_NUMBER,
    WST_APP_FLAG
};

struct wst_app_value {
    enum wst_app_kind kind;
    union {
        struct wst_slice slice;
        int64_t number;
        bool flag;
    };
};

struct wst_app_field {
    const char *name; /* of the protocol's own words: "topic"; static storage */
    struct wst_app_value value;
};

struct wst_app_packet {
    struct wst_slice name;              /* "PUBLISH", "event"; printable ASCII, never null */
    const struct wst_app_field *fields; /* of its envelope, no name twice */
    size_t fields_n;
    struct wst_app_value body; /* what it carries */
    uint64_t body_omitted;     /* bytes of it that are not in `body`: a limit */
    bool error;                /* it says that something failed */
    uint64_t first_msg;        /* message that it began in; 0: in this one */
    uint64_t answers;          /* message that it answers; 0: none, or not known */
    int64_t after_ns;          /* since that was whole; where `answers` is 0: 0 */
};

struct wst_app_said { /* what a message says in its application's protocol */
    enum wst_app app;
    const struct wst_app_packet *packets; /* those that end in this message */
    size_t packets_n;
    uint64_t omitted; /* packets that are not among them: a limit */
    bool unfinished;  /* a packet goes on in the next message */
    bool strange;     /* something in it is not of the protocol */
    bool unread;      /* not all that may be in it is told: there was no room to read, keep or tell
                       * it, or it cannot be said where its packets begin */
};

struct wst_app_side { /* of what one side sent */
    uint64_t packets, errors;
    uint64_t asked;          /* those that want an answer … */
    uint64_t answered;       /* … and got one */
    int64_t slowest_ns;      /* of those answers the slowest … */
    uint64_t slowest_msg;    /* … and the message that asked for it; 0: none */
    uint64_t unanswered_msg; /* the first that waits for an answer in the end; 0: none */
};

struct wst_app_total { /* of a connection */
    enum wst_app app;
    bool certain;               /* false: something was lost, or could not be kept */
    struct wst_app_side dir[2]; /* [WST_C2S], [WST_S2C] */
};

struct wst_event_message {
    uint64_t msg;    /* 1-based, both directions together */
    uint8_t opcode;  /* 1 text, 2 binary */
    bool compressed; /* RFC 7692 */
    bool certain;    /* false: only what is known to be right is in `payload` */
    bool utf8;       /* print as text: a text message whose payload is valid UTF-8. Renderers
                      * believe it: only who makes events of his own can be wrong about it. */
    uint64_t first_pkt;
    uint64_t frames;
    uint64_t wire_len; /* payload bytes on the wire */
    uint64_t len;      /* bytes after inflating, as far as known */
    uint64_t omitted;  /* of `len`, not in `payload` */
    struct wst_slice payload;
    const struct wst_app_said *app; /* NULL: no protocol known, or nobody asked (apps.h) */
    /* Of text that is not known whole, because bytes are missing or it refers to earlier ones that
     * are (RFC 7692 section 7.2.2): the message, as much as was kept, with a byte FF, which is in
     * no UTF-8, for each that is not known; wst_event_piece() finds the others. Empty: `payload` is
     * all that is known. */
    struct wst_slice sketch;
};

struct wst_event_close {
    int32_t code;            /* -1: none (empty or 1-byte payload), -2: not captured */
    const char *name;        /* "normal closure", or NULL */
    struct wst_slice reason; /* empty if none */
    uint64_t omitted;        /* bytes of the reason that were not captured, or not kept */
    bool utf8;               /* reason is valid UTF-8 */
};

struct wst_event_gap {
    uint64_t bytes;
    int64_t offset; /* as in frame; -1 before the handshake */
    bool inexact;   /* they lay inside records of TLS, or frames of HTTP/2 or HTTP/3, that were not
                     * read: `bytes` is the most it can have been … */
    bool least;     /* … or, with `inexact`, sequence numbers went round, and it is the least */
};

struct wst_event_problem {
    enum wst_problem problem;
    uint64_t n, msg;    /* frame and message concerned; 0: none */
    const char *detail; /* one sentence with the values seen; printable UTF-8 */
    int64_t offset;     /* where, counted as in frame; -1: nowhere in particular */
};

struct wst_event_direction { /* totals of one direction */
    uint64_t frames, messages;
    uint64_t wire_bytes; /* payload on the wire */
    uint64_t bytes;      /* after inflating */
    uint64_t gaps;
};

/* Why the first close frame has no answer. */
enum wst_no_reply {
    WST_REPLY_NOT_DUE, /* it has one, or there is no close frame */
    WST_REPLY_NONE,    /* the other side could have answered */
    WST_REPLY_LATE,    /* the other side had ended TCP, or the stream, before it arrived */
    WST_REPLY_NO_TIME, /* who sent it ended TCP, or the stream, within a second */
    WST_REPLY_UNSEEN,  /* what the other side sent last was not captured, or who reset it */
    WST_REPLY_OPEN,    /* the capture was over first, or the connection forgotten */
};

struct wst_event_end {
    enum wst_tcp_end tcp;
    bool clean; /* both close frames were seen */
    enum wst_no_reply no_reply;
    enum wst_dir by; /* who sent the first close frame; WST_DIR_NONE: nobody, or not known */
    int32_t code;    /* of the first close frame; -1: none, -2: not captured */
    int64_t duration_ns; /* since the handshake; below 0: the clock was set back meanwhile */
    struct wst_event_direction dir[2]; /* [WST_C2S], [WST_S2C] */
    enum wst_dir tcp_by;   /* who sent the first FIN; WST_DIR_NONE: nobody, or both at once */
    enum wst_dir tls_by;   /* whose close_notify came first; WST_DIR_NONE: not known, or no TLS */
    bool half; /* a side ended TCP, and not the other, as far as captured; not in the JSON contract
                */
    enum wst_dir reset_by; /* where `tcp` is a reset: whose it was; WST_DIR_NONE: not known */
    bool stream; /* of HTTP/2, /3: `tcp` says how it ended; not in the JSON contract */
    bool http[2]; /* [enum wst_dir]: its close frame is HTTP (frame.http); not in the JSON contract
                   */
    uint64_t problems[WST_LEVELS];      /* of the connection, those not told included */
    const struct wst_finding *findings; /* the same by id, in the order of problems.def */
    size_t findings_n;
    const struct wst_app_total *app; /* NULL: as in a message */
};

/* How connections ended, for the words of a summary. */
enum wst_ended {
    WST_ENDED_CLEAN,     /* both close frames were seen */
    WST_ENDED_ONE,       /* one was */
    WST_ENDED_NONE,      /* none, and the carrier ended, or one side of it */
    WST_ENDED_RESET,     /* none, and it was reset */
    WST_ENDED_OPEN,      /* the capture ended first */
    WST_ENDED_SILENT,    /* nothing was said for too long */
    WST_ENDED_FORGOTTEN, /* its memory was needed */
    WST_ENDED
};

struct wst_event_stats {
    uint64_t packets;
    uint64_t bytes; /* their lengths on the wire */
    uint64_t tcp_streams, connections, refused, frames, messages, gaps;
    uint64_t problems[WST_LEVELS];
    int64_t captured, received, dropped; /* live only, else -1 */
    const struct wst_finding *findings;  /* as in `end`, of everything */
    size_t findings_n;
    uint64_t tls_no_key; /* TLS or QUIC connections that stayed closed: no key, a wrong one, its
                            cipher */
    uint64_t quic;  /* QUIC connections, when there are secrets: without any nobody looks */
    /* What else was there: TCP conversations that look like TLS, plain HTTP, anything else with
     * data. */
    uint64_t tls, http, other;
    /* Not in the JSON contract, for the words of a summary: packets of an unknown link type;
     * packets that are not TCP or damaged. */
    uint64_t unknown_link, undecoded;
    int64_t first_ns, last_ns; /* times of the first and last packet; 0 without packets */
    uint64_t ended[WST_ENDED]; /* of the connections that were accepted; not in the contract */
};

/* What a listener is told may end behind its type's member, as copies do: it is never assigned as
 * a whole. */
struct wst_event {
    enum wst_event_type type;
    bool nanos;       /* the capture has nanoseconds: print nine digits */
    enum wst_dir dir; /* WST_DIR_NONE: no `dir`, or null in a problem */
    uint64_t conn;    /* 1-based; 0: none */
    struct wst_when when;
    union {
        struct wst_event_meta meta;
        struct wst_event_handshake handshake;
        struct wst_event_frame frame;
        struct wst_event_message message;
        struct wst_event_close close;
        struct wst_event_gap gap;
        struct wst_event_problem problem;
        struct wst_event_end end;
        struct wst_event_stats stats;
    };
};

enum { WST_EVENT_ALIGN = 16 };

/* Copies an event and all that it borrows to `to`, for whoever needs it later: the event comes
 * first and may be used until those bytes are. Names of registries are not copied; they stay.
 * `app` of messages and ends is not copied: it is null in the copy.
 *   to    aligned to WST_EVENT_ALIGN; NULL only where `room` is 0
 * Returns the bytes it takes, a multiple of WST_EVENT_ALIGN; when more than `room`, nothing at `to`
 * may be used. 0: `meta` and `stats`, which are told once a capture, are not copied. */
WST_API size_t wst_event_copy(void *to, size_t room, const struct wst_event *event);

/* The first piece of known text in a message's sketch at or behind place `at`: whole characters, as
 * valid UTF-8; pieces of fewer than WST_PIECE_LEAST bytes say nothing and are passed over. Where it
 * lies in the message is piece.p - sketch.p. Empty: there is no more. */
enum { WST_PIECE_LEAST = 4 };
WST_API struct wst_slice wst_event_piece(struct wst_slice sketch, size_t at);

/* Words of the registries; static storage, never NULL unless said. */
WST_API const char *wst_event_type_name(enum wst_event_type type); /* "handshake" */
WST_API const char *wst_carrier_name(enum wst_carrier carrier);    /* "http/1.1" */
WST_API const char *wst_tcp_end_name(enum wst_tcp_end end);        /* "fin" */
/* "late"; NULL for WST_REPLY_NOT_DUE */
WST_API const char *wst_no_reply_name(enum wst_no_reply why);
WST_API const char *wst_level_name(enum wst_level level);          /* "warning" */
WST_API const char *wst_opcode_name(uint8_t opcode);               /* "text"; "reserved-11" */
/* Name of a close code by the IANA registry ("normal closure"); NULL for a number without one. */
WST_API const char *wst_close_code_name(int32_t code);

#ifdef __cplusplus
}
WST_ALIKE_END
#endif
#endif
