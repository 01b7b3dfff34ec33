/* SPDX-License-Identifier: MIT
 *
 * Inside the corridor: the context, and the door of each of its files. Only the files beside this
 * one may know more than one room.
 */
#ifndef WST_PIPELINE_H
#define WST_PIPELINE_H

#include <sys/queue.h>

#include "conversation.h"
#include "net/net.h"
#include "pool.h"
#include "timeline/timeline.h"

struct wst_work; /* work.c */
struct wst_tap;  /* what one conversation's wire bytes are kept in; wire.c */

struct wst_wire_room {  /* only with options.wire */
    struct wst_wire to; /* whom to tell */
    bool on;
    struct wst_tap **taps; /* by stream number, chained */
    uint32_t taps_mask, taps_n;
    struct wst_wire_segment *segments[2]; /* of what is told now */
    size_t segments_room[2];
    struct wst_buf scratch;
};

/* A finding that many packets may raise is told so often; the rest are counted, and told at the
 * end. */
enum { WST_CONTEXT_TOLD = 10 };

struct wst_context {
    struct wst_options options;
    struct wst_budget budget;
    size_t scarce;             /* of the budget used: from here on somebody must make room … */
    uint64_t room_from;        /* … but not before so many packets */
    struct wst_area area;      /* of flows and conversations */
    struct wst_pool pool;      /* of conversations … */
    struct wst_pool encrypted; /* … and of those that are TLS */
    struct wst_timeline timeline;
    struct wst_net *net;
    struct wst_flow_table *flows;
    struct wst_http_env http;
    struct wst_ws_env ws;
    struct wst_work *work; /* other threads that help; NULL: none */
    struct wst_wire_room wire;
    struct wst_tls_env tls;
    struct wst_http2_env http2;
    struct wst_http3_env http3;
    struct wst_quic *quic;
    /* Packets that begin a QUIC connection, and are not looked into: there is no secret at all, or
     * the snap length cut them. */
    uint64_t quic_closed, quic_cut;
    struct wst_conns proxied; /* connections whose source a proxy's header names */
    uint64_t insides;         /* flows made so far that lie inside others */
    struct wst_tls_hooks tls_hooks;
    bool tls_wanting;          /* the hook is asked for secrets */
    struct wst_flow_sink sink; /* what the flow table calls; also for what lies inside TLS */
    TAILQ_HEAD(, conversation_tls) encrypted_waiting; /* for secrets; some do not any more */
    struct wst_when now;      /* the packet being worked on */
    bool cut;                 /* it was told that the snap length cuts packets */
    uint64_t jumps;           /* packets older than the one before by more than a little */
    uint64_t proxies_many;    /* connections through more proxies than are followed */
    uint64_t ends_ignored[2]; /* WebSocket connections that went on after a reset; after a FIN */
    uint64_t unopened[2];     /* TCP connections without an answer; refused */
    uint64_t unopened_quic;   /* QUIC connections without an answer */
    uint64_t findings;        /* told of several connections: lines but the first of each */
    TAILQ_HEAD(, conversation_pickup) pickups; /* in the order in which they began */
    uint32_t pickups_n;
    /* Of the packet before, for wst_context_fate: */
    enum wst_fate fate;   /* what it was, unless a flow can say: it was … */
    bool segment;         /* … a TCP segment … */
    bool datagram;        /* … or a UDP datagram */
    uint64_t fate_stream; /* its conversation's number; UINT64_MAX: none */
    struct {              /* a packet that is several frames (WST_NET_SEVERAL) */
        bool under_way;
        uint32_t taken;     /* frames so far */
        enum wst_fate fate; /* the one that matters most among them … */
        uint64_t stream;    /* … and its conversation, as fate_stream */
        uint64_t undecoded; /* the count of the statistics before this packet */
    } several;
    void (*chosen)(void *user, uint64_t stream); /* told what turned out to be WebSocket; or NULL */
    void *chosen_user;
    bool begun, finished;
};

/* first.c: KIND_NEW and KIND_SOCKS */
void wst_first_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                    struct wst_slice bytes, const struct wst_arrival *a);
void wst_first_socks(struct wst_context *c, struct wst_flow *f, unsigned side,
                     struct wst_slice bytes, const struct wst_arrival *a);
void wst_first_gap(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n,
                   enum wst_gap_cause cause);
void wst_first_free(struct wst_context *c, struct conversation_new *n); /* NULL: nothing to do */
/* What follows on the flow is another conversation, to which a proxy leads. False: it is one too
 * many in a row, and the flow is ignored. */
bool wst_first_tunnel(struct wst_context *c, struct wst_flow *f);
/* It is known to be HTTP/2 before its first byte came. */
void wst_first_http2(struct wst_context *c, struct wst_flow *f, unsigned client,
                     const struct wst_arrival *a);

/* http.c: KIND_HTTP */
bool wst_conversation_http_begin(struct wst_context *c, struct wst_flow *f, unsigned client);
void wst_conversation_http_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                                struct wst_slice bytes, const struct wst_arrival *a);
/* Hands on what waited, in the order in which it came, while somebody wants it. */
void wst_conversation_waited(struct wst_context *c, struct wst_flow *f, struct wst_queue wait[2],
                             unsigned client, const struct wst_arrival *a);
/* False: not taken, for it became something else, whose gap it is. */
bool wst_conversation_http_gap(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n,
                               enum wst_gap_cause cause, const struct wst_arrival *a);
void wst_conversation_http_fin(struct wst_context *c, struct wst_flow *f, unsigned side,
                               const struct wst_arrival *a);
void wst_conversation_http_end(struct wst_context *c, struct wst_flow *f,
                               const struct wst_arrival *a);
/* The flow is HTTP, and what was asked before was not seen. `lost`: bytes of each direction that
 * were lost of it. */
void wst_conversation_http_anew(struct wst_context *c, struct wst_flow *f, unsigned client,
                                const uint64_t lost[2], unsigned side, struct wst_slice bytes,
                                const struct wst_arrival *a);
/* A segment that begins with an HTTP head ends the search for frames: the flow is HTTP again. */
bool wst_conversation_http_again(struct wst_context *c, struct wst_flow *f, unsigned side,
                                 struct wst_slice bytes, const struct wst_arrival *a);
void wst_conversation_http_free(struct wst_context *c, struct conversation_http *h);

/* standstill.c: what the flow room calls of a connection that stood still. */
void wst_standstill(void *user, struct wst_flow *f, unsigned side,
                    const struct wst_flow_stalled *stalled, const struct wst_arrival *a);
/* It ends before a byte was sent: what became of its SYN? */
void wst_standstill_begin(struct wst_context *c, struct wst_flow *f, enum wst_tcp_end how,
                          const struct wst_arrival *a);

/* endpoint.c */
enum { WST_ENDPOINT_IP = 46, WST_ENDPOINT = WST_ENDPOINT_IP + 8 }; /* bytes of text at most */
void wst_endpoint_address(unsigned family, const uint8_t *address, char ip[WST_ENDPOINT_IP]);
void wst_endpoint_ip(const struct wst_flow *f, unsigned side, char ip[WST_ENDPOINT_IP]);
/* "192.0.2.1:80" or "[2001:db8::1]:80", without an end, at a place with room for WST_ENDPOINT;
 * returns the place behind it. */
char *wst_endpoint_put(char *at, const struct wst_flow *f, unsigned side);

/* proxied.c */
/* A PROXY protocol header that is whole stood before the rest. */
void wst_proxied_note(struct wst_context *c, const struct wst_flow *f, struct wst_slice header);
/* Fills what the event has of it. */
void wst_proxied_tell(const struct wst_context *c, const struct wst_flow *f,
                      struct wst_event_handshake *h);
/* No handshake will come any more. */
void wst_proxied_forget(struct wst_context *c, const struct wst_flow *f);
void wst_proxied_free(struct wst_context *c);

/* wire.c: what the flow and ws rooms call instead when somebody wants the bytes of the wire. */
void wst_wire_init(struct wst_context *c, const struct wst_wire *to, struct wst_flow_sink *sink);
void wst_wire_free(struct wst_context *c);
/* What lies inside another goes without an end of its own. */
void wst_wire_forget(struct wst_context *c, const struct wst_flow *f);
/* WebSocket begins: of the bytes that came so far, by side, the last `left` are its bytes. */
void wst_wire_begin(struct wst_context *c, const struct wst_flow *f, const uint64_t left[2]);
/* n bytes are missing behind those that came. Called when nothing is left to be read before them.
 */
void wst_wire_gap(struct wst_context *c, const struct wst_flow *f, unsigned side, uint64_t n);
/* n bytes, counted when they came, will be handed on again. */
void wst_wire_waits(struct wst_context *c, const struct wst_flow *f, unsigned side, uint64_t n);
/* They are: bytes that waited, or, where s.p is NULL, the gap that did. */
void wst_wire_waited(struct wst_context *c, struct wst_flow *f, unsigned side, struct wst_slice s,
                     const struct wst_arrival *a);
void wst_wire_handshake(struct wst_context *c, const struct conversation *base,
                        struct wst_event *event);

/* context.c: all of it is freed but the context itself. Returns what of its budget nobody gave
 * back, which is 0: tests ask. */
size_t wst_context_empty(struct wst_context *c);

/* work.c: what the ws room does for a conversation, here or in another thread; in the end all is
 * told in the order of these calls. */
void wst_work_free(struct wst_context *c);
void wst_work_take(struct wst_context *c, struct conversation_ws *w); /* it is new */
void wst_work_push(struct wst_context *c, struct conversation_ws *w, enum wst_dir dir,
                   struct wst_slice bytes, const struct wst_arrival *a);
void wst_work_gap(struct wst_context *c, struct conversation_ws *w, enum wst_dir dir, uint64_t n,
                  enum wst_ws_missing how, const struct wst_arrival *a);
/* `first`: whose FIN was captured first. */
void wst_work_fin(struct wst_context *c, struct conversation_ws *w, enum wst_dir dir,
                  enum wst_dir first, const struct wst_arrival *a);
/* `reset_by`: who reset the stream, or TCP below it, as far as known; `tls_by`: who was the first
 * to end the TLS between. */
void wst_work_end(struct wst_context *c, struct conversation_ws *w, enum wst_tcp_end how,
                  enum wst_dir reset_by, enum wst_dir tls_by, bool obscure,
                  const struct wst_arrival *a);
void wst_work_join(struct wst_context *c, struct conversation_ws *w, enum wst_dir dir,
                   struct wst_seek *seek, const struct wst_arrival *a);
bool wst_work_shrink(struct wst_context *c, struct conversation_ws *w);
void wst_work_release(struct wst_context *c, struct conversation_ws *w); /* nobody uses it again */
/* work_order.c: an event of this thread, in its turn; *conn as for wst_timeline_emit. */
void wst_work_emit(struct wst_context *c, struct wst_event *event, uint64_t *conn);
/* Waits for all that was given away, and tells it. */
void wst_work_settle(struct wst_context *c);
void wst_work_packet(struct wst_context *c); /* work.c, only with c->work: a packet is next */
/* work_memory.c */
size_t wst_work_memory(const struct wst_context *c);
/* Times the system refused other threads memory; after wst_work_settle. */
uint64_t wst_work_refused(const struct wst_context *c);

/* pickup.c */
void wst_pickup_begin(struct wst_context *c, struct wst_flow *f, struct conversation_http *asked);
void wst_pickup_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                     struct wst_slice bytes, const struct wst_arrival *a);
void wst_pickup_gap(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n,
                    enum wst_gap_cause cause, const struct wst_arrival *a);
/* The flow is over: the last chance. True: it is a WebSocket conversation now. */
bool wst_pickup_end(struct wst_context *c, struct wst_flow *f, const struct wst_arrival *a);
void wst_pickup_free(struct wst_context *c, struct conversation_pickup *p);
/* As in struct wst_connect_sink; `user` is the context. */
bool wst_pickup_proves(void *user, const struct wst_connect_stream *stream, bool end);

/* encrypted.c */
bool wst_encrypted_init(struct wst_context *c);
bool wst_encrypted_begin(struct wst_context *c, struct wst_flow *f, unsigned client);
/* The side that is the client of the TLS that the flow lies in; -1: it lies in none. */
int wst_encrypted_client(const struct wst_flow *f);
/* Whether all was read that the side of a TLS connection has sent so far, by what was captured. */
bool wst_encrypted_read(const struct wst_flow *f, unsigned side);
/* The same, when its hellos are not in the capture; `side` speaks first. False: nothing in the key
 * log may open it. True: f->upper is another one, or, without memory, none. */
bool wst_encrypted_midst(struct wst_context *c, struct wst_flow *f, unsigned side);
/* Of a flow inside TLS: whether there are records of that side that did not open, or are not whole
 * in the capture, and nobody was told yet how much they carried. */
bool wst_encrypted_behind(const struct wst_flow *f, unsigned side);
void wst_encrypted_free(struct wst_context *c, struct conversation_tls *t);
void wst_encrypted_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                        struct wst_slice bytes, const struct wst_arrival *a);
void wst_encrypted_gap(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n,
                       enum wst_gap_cause cause, const struct wst_arrival *a);
void wst_encrypted_fin(struct wst_context *c, struct wst_flow *f, unsigned side,
                       const struct wst_arrival *a);
void wst_encrypted_end(struct wst_context *c, struct wst_flow *f, enum wst_tcp_end how,
                       const struct wst_arrival *a);
/* The side that was the first to end the TLS that the flow lies in, and when; -1: nobody knows, or
 * there is none. */
int wst_encrypted_left_by(const struct wst_flow *f, int64_t *ns);
/* Of what lies inside TLS; NULL: nothing around it is TLS. */
const struct wst_tls_info *wst_encrypted_info(const struct wst_flow *inner);
/* TLS in mid-stream: it cannot be read. `side` sent what was seen. */
void wst_encrypted_unseen(struct wst_context *c, struct wst_flow *f, unsigned side,
                          const struct wst_arrival *a);

/* broken.c */
/* Why a stream was never answered: with which code `by` reset it; WST_DIR_NONE: how what it lies in
 * ended. NULL: not known. */
const char *wst_broken_why(const struct wst_connect_stream *stream, enum wst_dir by,
                           char to[WST_BROKEN]);
/* Tells of a stream that was accepted with which error it was reset, if it was. */
void wst_broken_stream(struct wst_context *c, const struct wst_connect_stream *stream,
                       const struct wst_arrival *arrival);
/* Who closed a QUIC connection, and why; whether without an error; which finding that is. */
void wst_broken_close(const struct wst_quic_close *close, char to[WST_BROKEN]);
bool wst_broken_orderly(const struct wst_quic_close *close);
enum wst_problem wst_broken_problem(const struct wst_quic_close *close);

/* datagrams.c: KIND_QUIC */
/* How the QUIC connection that the flow lies in was closed, in words; NULL: not known, or none. */
const char *wst_datagrams_ended(const struct wst_flow *f);
bool wst_datagrams_init(struct wst_context *c);
void wst_datagrams_push(struct wst_context *c, const struct wst_segment *s);
/* Of the datagram pushed last, and the number of its connection, which no TCP stream has. */
enum wst_fate wst_datagrams_fate(const struct wst_context *c, uint64_t *number);
uint64_t wst_datagrams_number(const struct wst_flow *f); /* the same, of a flow of KIND_QUIC */
/* Inside QUIC: whether what `dir` sent waits to be read, or the other side has some of it that was
 * not captured, or not yet; the flow is a stream of it, or lies in one. */
bool wst_datagrams_behind(const struct wst_flow *f, enum wst_dir dir);
/* Its stream is over; whether bytes of either direction may have been in what was not captured. */
bool wst_datagrams_obscure(const struct wst_flow *f);
/* Of a flow inside QUIC: as wst_quic_newest and wst_quic_missed, of the server. */
uint64_t wst_datagrams_newest(const struct wst_flow *f);
bool wst_datagrams_missed(const struct wst_flow *f, uint64_t since);
/* Of what lies inside QUIC; NULL: the flow is another's. */
const struct wst_tls_info *wst_datagrams_info(const struct wst_flow *f);
void wst_datagrams_finish(struct wst_context *c);

/* multiplexed.c: KIND_HTTP2 and KIND_HTTP3 */
/* The stream of HTTP/2 or HTTP/3 that the flow is, or lies in; -1: none. */
int64_t wst_multiplexed_stream(const struct wst_flow *f);
/* Of such a flow the side that opened the stream; -1: it is none. */
int wst_multiplexed_client(const struct wst_flow *f);
void wst_multiplexed_init(struct wst_context *c);
/* False: no memory, and the flow is ignored. */
bool wst_multiplexed_begin(struct wst_context *c, struct wst_flow *f, unsigned client);
/* Nobody saw the first packet of what begins so. */
void wst_multiplexed_late(struct wst_flow *f);
/* It began before the capture. By side: so many bytes are passed over, and a frame begins; not
 * `found`: where one does is not known. `largest`: see wst_http2_midst. */
bool wst_multiplexed_join(struct wst_context *c, struct wst_flow *f, unsigned client,
                          uint32_t largest, const bool found[2], const uint64_t passed[2]);
void wst_multiplexed_free(struct wst_context *c, struct conversation_multiplexed *m);
/* The next stream of the flow that a CONNECT opened, from *i on, which moves behind it; NULL: there
 * are no more, or the flow is neither HTTP/2 nor HTTP/3. */
struct conversation_stream *wst_multiplexed_next(const struct wst_flow *f, uint32_t *i);
/* What lies in one of them. NULL: nobody follows it. */
struct wst_flow *wst_multiplexed_inside(const struct wst_flow *f, uint64_t id);
/* As many there are at most, 0 as well where it is neither. */
uint32_t wst_multiplexed_streams(const struct wst_flow *f);
void wst_multiplexed_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                          struct wst_slice bytes, const struct wst_arrival *a);
void wst_multiplexed_gap(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n,
                         enum wst_gap_cause cause, const struct wst_arrival *a);
void wst_multiplexed_fin(struct wst_context *c, struct wst_flow *f, unsigned side,
                         const struct wst_arrival *a);
void wst_multiplexed_end(struct wst_context *c, struct wst_flow *f, enum wst_tcp_end how,
                         const struct wst_arrival *a);
/* HTTP/3: streams are ordered one by one, so each call names its own. */
bool wst_multiplexed_begin3(struct wst_context *c, struct wst_flow *f, unsigned client);
/* Bytes of QUIC stream `id`, in order. */
void wst_multiplexed_data3(struct wst_context *c, struct wst_flow *f, uint64_t id, enum wst_dir dir,
                           struct wst_slice bytes, const struct wst_arrival *a);
/* n bytes of it are missing, no more and no fewer. */
void wst_multiplexed_gap3(struct wst_context *c, struct wst_flow *f, uint64_t id, enum wst_dir dir,
                          uint64_t n, const struct wst_arrival *a);
void wst_multiplexed_fin3(struct wst_context *c, struct wst_flow *f, uint64_t id, enum wst_dir dir,
                          const struct wst_arrival *a);
/* RESET_STREAM of `dir`, or STOP_SENDING, which asks the other side for one. */
void wst_multiplexed_reset3(struct wst_context *c, struct wst_flow *f, uint64_t id,
                            enum wst_dir dir, uint64_t code, const struct wst_arrival *a);
/* As wst_http3_midst. */
void wst_multiplexed_midst3(struct wst_context *c, struct wst_flow *f, bool late, bool doubtful,
                            const struct wst_arrival *a);
/* What the client says will not be read. */
void wst_multiplexed_one_sided3(struct wst_flow *f);
/* Whether bytes of that direction wait, or are looked through for frames. */
bool wst_multiplexed_behind3(const struct wst_flow *f, uint64_t id, enum wst_dir dir);
/* Whether what comes of the stream matters. */
bool wst_multiplexed_wants3(const struct wst_flow *f, uint64_t id);
void wst_multiplexed_end3(struct wst_context *c, struct wst_flow *f, enum wst_tcp_end how,
                          const struct wst_arrival *a);

#endif
