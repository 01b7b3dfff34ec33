/* SPDX-License-Identifier: MIT
 *
 * MQTT 3.1, 3.1.1 and 5.0 over WebSocket (5.0 section 6). In: messages. Out: the packets that end
 * in them. Refuses text messages, and to guess where a packet begins.
 *
 *     first byte   Remaining Length, 7 bits a byte, the lowest first   body
 *     type flags   1xxxxxxx … 0xxxxxxx (1–4 bytes)                     so many bytes
 *
 * Packets are a stream: messages may end anywhere in them, and do (npm mqtt sends a message for
 * every few bytes). Behind a hole nobody knows where one begins, until messages fit whole packets
 * for a while.
 */
#include "mqtt.h"

#include "protocol.h"

enum {
    HEAD = 5,       /* bytes of a fixed header at most */
    KEPT = 1 << 20, /* bytes of one packet that is spread over messages; the rest is counted */
    FIT = 3         /* messages in a row that are nothing but whole packets. Of noise one in ten
                     * thousand is, for each type has its flags and lengths */
};

struct side {
    uint8_t head[HEAD], head_n;
    bool whole;   /* the head is: `size` bytes follow it */
    bool doubt;   /* where a packet begins is not known … */
    unsigned fit; /* … but so many messages were whole packets */
    size_t size, got;
    struct wst_buf held; /* of these, the first */
    struct wst_buf told; /* those of the packet before, until what is said of it was heard */
    uint64_t first_msg;  /* that it begins in */
    struct wst_mqtt_aliases aliases;
};

struct mqtt {
    uint8_t version;
    struct side side[2];
};

static struct wst_mqtt_place place_of(struct mqtt *m, enum wst_dir dir)
{
    return (struct wst_mqtt_place){&m->version, dir, &m->side[dir].aliases};
}

static void forget(struct side *side, struct wst_budget *budget)
{
    wst_buf_free(&side->held, budget);
    wst_mqtt_aliases_free(&side->aliases, budget);
    *side = (struct side){.doubt = true, .told = side->told};
}

/* Takes bytes of the fixed header. False: it is none. */
static bool head_take(struct side *side, struct wst_slice *rest)
{
    while (rest->n > 0 && !side->whole) {
        uint8_t byte = rest->p[0];
        if (side->head_n == HEAD) return false;
        side->head[side->head_n] = byte;
        *rest = wst_slice_skip(*rest, 1);
        if (side->head_n++ == 0) continue;
        side->size |= (size_t)(byte & 0x7f) << 7 * (side->head_n - 2);
        side->whole = byte < 0x80;
    }
    return side->whole || side->head_n < HEAD;
}

/* The next packet of `all` when the whole of it is there. */
static bool take_whole(struct wst_slice *all, struct wst_mqtt_packet *packet)
{
    struct side side = {.head_n = 0};
    struct wst_slice rest = *all;
    if (!head_take(&side, &rest) || !side.whole || side.size > rest.n) return false;
    *packet = (struct wst_mqtt_packet){side.head[0], wst_slice_head(rest, side.size), 0};
    *all = wst_slice_skip(rest, side.size);
    return true;
}

static bool named(const struct wst_event_handshake *shake)
{
    return wst_app_chose(shake, "mqtt") || wst_app_chose(shake, "mqttv3.1");
}

/* The first message begins with a whole CONNECT. */
static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    struct wst_slice all = event->message.payload;
    struct wst_mqtt_packet packet;
    uint8_t version = 0;
    struct wst_mqtt_place place = {&version, WST_C2S, NULL};
    return event->message.msg == 1 && event->message.opcode == 2 && event->dir == WST_C2S &&
           take_whole(&all, &packet) && packet.first == WST_MQTT_CONNECT << 4 &&
           wst_mqtt_fits(say, &place, &packet);
}

/* -- where packets are certain ----------------------------------------------------------------- */

static void refuse(struct wst_say *say, struct side *side)
{
    wst_say_strange(say);
    wst_say_unheard(say);
    forget(side, say->budget);
}

/* Takes bytes of the body, and keeps them unless all are there. */
static struct wst_mqtt_packet body_take(struct wst_say *say, struct side *side,
                                        struct wst_slice *rest)
{
    struct wst_slice part = wst_slice_head(*rest, side->size - side->got);
    struct wst_mqtt_packet packet = {side->head[0], part, 0};
    *rest = wst_slice_skip(*rest, part.n);
    if (part.n < side->size) {
        bool behind = side->held.n < side->got; /* some were left out: these do not follow */
        if (!behind)
            wst_buf_append(&side->held, say->budget, wst_slice_head(part, KEPT - side->held.n),
                           KEPT);
        packet.body = wst_buf_slice(&side->held);
    }
    side->got += part.n;
    packet.missing = side->size - packet.body.n;
    return packet;
}

static void packet_ends(struct wst_say *say, struct mqtt *m, enum wst_dir dir,
                        const struct wst_mqtt_packet *packet)
{
    struct side *side = &m->side[dir];
    struct wst_mqtt_place place = place_of(m, dir);
    if (!wst_mqtt_fits(say, &place, packet)) {
        refuse(say, side);
        return;
    }
    wst_mqtt_say(say, &place, packet);
    wst_say_began(say, side->first_msg);
    if (packet->missing) wst_say_missed(say);
    if (side->held.p) side->told = side->held; /* the one that ends first in a message, no other */
    side->held = (struct wst_buf){NULL, 0, 0};
    side->head_n = 0;
    side->whole = false;
    side->size = side->got = 0;
}

static void read_on(struct wst_say *say, struct mqtt *m, enum wst_dir dir, struct wst_slice rest,
                    uint64_t msg)
{
    struct side *side = &m->side[dir];
    while (rest.n > 0 && !side->doubt) {
        if (side->head_n == 0) side->first_msg = msg;
        if (!head_take(side, &rest)) {
            refuse(say, side);
            return;
        }
        if (!side->whole) break;
        struct wst_mqtt_packet packet = body_take(say, side, &rest);
        if (side->got == side->size) packet_ends(say, m, dir, &packet);
    }
    if (side->head_n > 0) wst_say_unfinished(say);
}

/* -- where they are not ------------------------------------------------------------------------ */

static bool all_fit(struct wst_say *say, const struct wst_mqtt_place *place, struct wst_slice all)
{
    struct wst_mqtt_packet packet;
    while (all.n > 0)
        if (!take_whole(&all, &packet) || !wst_mqtt_fits(say, place, &packet)) return false;
    return true;
}

/* What made it certain is not told any more: a question among it may be older than the hole. */
static void look_for_begin(struct wst_say *say, struct mqtt *m, enum wst_dir dir,
                           struct wst_slice all)
{
    struct wst_mqtt_place place = place_of(m, dir);
    struct side *side = &m->side[dir];
    if (all.n == 0) return;
    wst_say_unheard(say);
    side->fit = all_fit(say, &place, all) ? side->fit + 1 : 0;
    if (side->fit >= FIT) side->doubt = false;
}

static void message(struct wst_say *say, void *state, const struct wst_event *event)
{
    struct mqtt *m = state;
    struct side *side = &m->side[event->dir];
    wst_buf_free(&side->told, say->budget);
    if (event->message.opcode != 2)
        refuse(say, side);
    else if (side->doubt)
        look_for_begin(say, m, event->dir, event->message.payload);
    else
        read_on(say, m, event->dir, event->message.payload, event->message.msg);
}

static void lost(void *state, struct wst_budget *budget, enum wst_dir dir)
{
    struct mqtt *m = state;
    forget(&m->side[dir], budget);
}

static void over(void *state, struct wst_budget *budget)
{
    struct mqtt *m = state;
    for (int d = 0; d < 2; d++) {
        forget(&m->side[d], budget);
        wst_buf_free(&m->side[d].told, budget);
    }
}

const struct wst_app_protocol wst_app_mqtt = {
    .app = WST_APP_MQTT,
    .ids_return = true,
    .state_size = sizeof(struct mqtt),
    .named = named,
    .sounds = sounds,
    .message = message,
    .lost = lost,
    .over = over,
};
