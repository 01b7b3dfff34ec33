/* SPDX-License-Identifier: MIT
 *
 * MQTT 3.1, 3.1.1 and 5.0, one packet at a time. In: a packet, of which the end may be missing.
 * Out: what it says. Refuses what no packet of that version and side can be (3.1.1 and 5.0,
 * chapters 2 and 3).
 *
 *     fixed header       type 4 bits, flags 4 bits; Remaining Length 1–4 bytes     mqtt.c
 *     variable header    topic, id, reason …; 5.0: properties                       \ body
 *     payload            PUBLISH: the message; SUBSCRIBE: filters; CONNECT: names   /
 *
 * Each is read twice: first in silence, whether all of it fits; then it is said.
 */
#include "list.h"
#include "mqtt_reading.h"

/* -- words ------------------------------------------------------------------------------------- */

static void say_text(struct wst_mqtt_reading *r, const char *name, struct wst_slice s)
{
    if (wst_mqtt_fine(r)) wst_say_text(r->say, name, s);
}

static void say_number(struct wst_mqtt_reading *r, const char *name, uint32_t value)
{
    if (wst_mqtt_fine(r)) wst_say_number(r->say, name, value);
}

static void say_set(struct wst_mqtt_reading *r, const char *name, bool set)
{
    if (wst_mqtt_fine(r) && set) wst_say_flag(r->say, name, true);
}

static void take_id(struct wst_mqtt_reading *r)
{
    struct wst_slice s = wst_mqtt_take(r, 2);
    if (s.p && wst_be16(s.p) == 0) wst_mqtt_bad(r);
    if (wst_mqtt_fine(r)) r->id = s;
}

/* A later packet of the message may put another topic there: what is said is a copy. */
static void say_topic_behind(struct wst_mqtt_reading *r, uint16_t alias)
{
    const struct wst_mqtt_alias *a = wst_mqtt_alias_find(r->place->aliases, alias);
    if (!a || !r->say->packet) return;
    uint8_t *copy = wst_say_scratch(r->say, a->topic.n);
    if (!copy) return;
    memcpy(copy, a->topic.p, a->topic.n);
    wst_say_text(r->say, "topic", wst_slice_of(copy, a->topic.n));
}

/* -- reasons ----------------------------------------------------------------------------------- */

static const char *reason_5(enum wst_mqtt_type type, uint8_t code)
{
    static const char *const granted[] = {"Granted QoS 0", "Granted QoS 1", "Granted QoS 2"};
    if (type == WST_MQTT_SUBACK && code < 3) return granted[code];
    if (type == WST_MQTT_DISCONNECT && code == 0) return "Normal disconnection";
    switch (code) {
#define WST_MQTT_REASON(code, name) \
    case code:                      \
        return name;
#include "mqtt.def"
#undef WST_MQTT_REASON
    default: return NULL;
    }
}

static const char *reason_3(enum wst_mqtt_type type,
                            uint8_t code) /* 3.1.1 sections 3.2.2.3, 3.9.3 */
{
    static const char *const connack[] = {
        "Connection Accepted",
        "Connection Refused, unacceptable protocol version",
        "Connection Refused, identifier rejected",
        "Connection Refused, Server unavailable",
        "Connection Refused, bad user name or password",
        "Connection Refused, not authorized",
    };
    static const char *const suback[] = {"Maximum QoS 0", "Maximum QoS 1", "Maximum QoS 2"};
    if (type == WST_MQTT_CONNACK) return code < 6 ? connack[code] : NULL;
    return code < 3 ? suback[code] : code == 0x80 ? "Failure" : NULL;
}

static void say_reason(struct wst_mqtt_reading *r, const char *field, const char *name)
{
    if (!wst_mqtt_fine(r)) return;
    wst_say_number(r->say, field, r->reason);
    if (name) wst_say_word(r->say, "reason", name);
}

static void read_reason(struct wst_mqtt_reading *r)
{
    r->reason = wst_mqtt_take_byte(r);
    say_reason(r, "reason_code", reason_5(r->type, r->reason));
    if (r->reason >= 0x80) r->error = true;
}

/* A byte for each filter: SUBACK, UNSUBACK. */
static void read_reasons(struct wst_mqtt_reading *r, bool five)
{
    struct wst_list codes = wst_list_new(r->say);
    struct wst_slice all = r->rest;
    if (!wst_mqtt_fine(r)) return;
    if (all.n == 0 && !r->packet->missing) wst_mqtt_bad(r);
    for (size_t i = 0; i < all.n; i++) {
        if (all.p[i] >= 0x80) r->error = true;
        wst_list_number(&codes, all.p[i]);
    }
    if (r->packet->missing) { /* a list with fewer in it would be another */
        r->how = WST_MQTT_CUT;
        return;
    }
    r->rest = wst_slice_skip(all, all.n);
    wst_list_say(&codes, five ? "reason_codes" : "return_codes");
    struct wst_list names = wst_list_new(r->say);
    for (size_t i = 0; i < all.n; i++) {
        const char *name = five ? reason_5(r->type, all.p[i]) : reason_3(r->type, all.p[i]);
        wst_list_text(&names, wst_slice_text(name ? name : ""));
    }
    wst_list_say(&names, "reasons");
}

/* -- packets ----------------------------------------------------------------------------------- */

/* 3.1.1 and 5.0 section 3.1. The highest bit of the version is how brokers tell each other that
 * they are bridges. */
static void read_version(struct wst_mqtt_reading *r)
{
    struct wst_slice name = wst_mqtt_take_text(r);
    uint8_t version = wst_mqtt_take_byte(r);
    bool three = name.p && wst_slice_is(name, "MQIsdp");
    if (name.p && !three && !wst_slice_is(name, "MQTT")) wst_mqtt_bad(r);
    say_text(r, "protocol_name", name);
    say_number(r, "protocol_version", version & 0x7f);
    say_set(r, "bridge", version & 0x80);
    version &= 0x7f;
    if (three != (version == 3)) wst_mqtt_bad(r);
    r->version = version >= 3 && version <= 5 ? version : 0;
}

static void read_will(struct wst_mqtt_reading *r, uint8_t flags, struct wst_slice *payload)
{
    if (r->version == 5) {
        struct wst_slice all = wst_mqtt_take_properties(r);
        wst_mqtt_say_properties(r, all, WST_MQTT_WILL);
    }
    say_text(r, "will_topic", wst_mqtt_take_text(r));
    say_number(r, "will_qos", flags >> 3 & 3);
    say_set(r, "will_retain", flags & 0x20);
    *payload = wst_mqtt_take_binary(r);
}

static void read_connect(struct wst_mqtt_reading *r)
{
    struct wst_slice payload = {NULL, 0};
    read_version(r);
    uint8_t flags = wst_mqtt_take_byte(r);
    bool will = flags & 4, user = flags & 0x80, password = flags & 0x40;
    if (r->version == 0 && wst_mqtt_fine(r)) { /* of the future */
        r->partly = true;
        return;
    }
    if (r->version > 3 && (flags & 1 || (!will && flags & 0x38))) wst_mqtt_bad(r);
    if ((flags & 0x18) == 0x18 || (r->version == 4 && password && !user)) wst_mqtt_bad(r);
    if (wst_mqtt_fine(r))
        wst_say_flag(r->say, r->version == 5 ? "clean_start" : "clean_session", flags & 2);
    say_number(r, "keep_alive", wst_mqtt_take_two(r));
    if (r->version == 5) {
        struct wst_slice all = wst_mqtt_take_properties(r);
        wst_mqtt_say_properties(r, all, WST_MQTT_CONNECT);
    }
    say_text(r, "client_id", wst_mqtt_take_text(r));
    if (will) read_will(r, flags, &payload);
    /* 3.1 section 3.1: names that are announced may be missing. */
    if (user && !(r->version == 3 && r->rest.n == 0))
        say_text(r, "user_name", wst_mqtt_take_text(r));
    if (password && !(r->version == 3 && r->rest.n == 0)) {
        wst_mqtt_take_binary(r);
        say_set(r, "password", true);
    }
    if (payload.p) wst_say_body(r->say, payload, 0);
}

/* Section 3.2. One of two bytes is of 3.1.1, also where it refuses 5.0; or of 3.1, the laxer one.
 */
static void read_connack(struct wst_mqtt_reading *r)
{
    size_t size = r->packet->body.n + r->packet->missing;
    uint8_t flags = wst_mqtt_take_byte(r);
    if (r->version == 0) r->version = size == 2 ? 3 : 5;
    if (flags > 1) wst_mqtt_bad(r);
    if (wst_mqtt_fine(r)) wst_say_flag(r->say, "session_present", flags & 1);
    if (size == 2) {
        r->reason = wst_mqtt_take_byte(r);
        say_reason(r, "return_code", reason_3(r->type, r->reason));
        r->error = r->reason > 0;
        return;
    }
    if (r->version != 5) wst_mqtt_bad(r);
    read_reason(r);
    struct wst_slice all = wst_mqtt_take_properties(r);
    wst_mqtt_say_properties(r, all, r->type);
}

/* Section 3.3. */
static void read_publish(struct wst_mqtt_reading *r)
{
    unsigned qos = r->flags >> 1 & 3;
    struct wst_slice topic = wst_mqtt_take_text(r), all = {NULL, 0};
    if (qos == 3 || (qos == 0 && r->flags & 8)) wst_mqtt_bad(r);
    if (qos > 0) take_id(r);
    if (r->version == 5) all = wst_mqtt_take_properties(r);
    uint16_t alias = wst_mqtt_fine(r) && all.n ? wst_mqtt_alias_among(r, all) : 0;
    if (topic.n == 0 && (r->version == 3 || r->version == 4)) wst_mqtt_bad(r);
    if (topic.n == 0 && r->version == 5 && all.p && alias == 0) wst_mqtt_bad(r);
    if (topic.n)
        wst_say_text(r->say, "topic", topic);
    else if (alias)
        say_topic_behind(r, alias);
    wst_say_number(r->say, "qos", qos);
    if (r->id.p) wst_say_number(r->say, "id", wst_be16(r->id.p));
    if (r->flags & 8) wst_say_flag(r->say, "dup", true);
    if (r->flags & 1) wst_say_flag(r->say, "retain", true);
    wst_mqtt_say_properties(r, all, r->type);
    if (r->version == 0 || !wst_mqtt_fine(r)) {
        r->partly = true;
        return;
    }
    r->alias = alias;
    r->topic = topic;
    wst_say_body(r->say, r->rest, r->packet->missing);
}

/* Sections 3.4 to 3.7: PUBACK, PUBREC, PUBREL, PUBCOMP. */
static void read_ack(struct wst_mqtt_reading *r)
{
    take_id(r);
    if (r->id.p) say_number(r, "id", wst_be16(r->id.p));
    if ((r->rest.n == 0 && !r->packet->missing) || !wst_mqtt_fine(r)) return;
    if (r->version == 3 || r->version == 4) wst_mqtt_bad(r);
    read_reason(r);
    if (r->rest.n == 0 && !r->packet->missing) return;
    struct wst_slice all = wst_mqtt_take_properties(r);
    wst_mqtt_say_properties(r, all, r->type);
}

static void head_of_list(struct wst_mqtt_reading *r)
{
    take_id(r);
    if (r->id.p) say_number(r, "id", wst_be16(r->id.p));
    r->partly = r->version == 0;
    if (r->version != 5) return;
    struct wst_slice all = wst_mqtt_take_properties(r);
    wst_mqtt_say_properties(r, all, r->type);
}

static void list_filters(struct wst_mqtt_reading *r, struct wst_slice all, bool options)
{
    struct wst_mqtt_reading q = *r;
    struct wst_list list = wst_list_new(r->say);
    q.rest = all;
    while (q.rest.n > 0) {
        wst_list_text(&list, wst_mqtt_take_text(&q));
        if (options) wst_mqtt_take_byte(&q);
    }
    wst_list_say(&list, "topic_filters");
}

static void list_options(struct wst_mqtt_reading *r, struct wst_slice all, const char *name,
                         unsigned shift, uint8_t mask)
{
    struct wst_mqtt_reading q = *r;
    struct wst_list list = wst_list_new(r->say);
    q.rest = all;
    while (q.rest.n > 0) {
        wst_mqtt_take_text(&q);
        wst_list_number(&list, wst_mqtt_take_byte(&q) >> shift & mask);
    }
    wst_list_say(&list, name);
}

/* Sections 3.8 and 3.10. Options of 5.0 that no filter has are not told. */
static void read_filters(struct wst_mqtt_reading *r)
{
    bool options = r->type == WST_MQTT_SUBSCRIBE;
    uint8_t any = 0;
    head_of_list(r);
    if (r->partly || !wst_mqtt_fine(r)) return;
    struct wst_slice all = r->rest;
    if (all.n == 0 && !r->packet->missing) wst_mqtt_bad(r);
    while (wst_mqtt_fine(r) && (r->rest.n > 0 || r->packet->missing)) {
        if (wst_mqtt_take_text(r).n == 0) wst_mqtt_bad(r);
        uint8_t o = options ? wst_mqtt_take_byte(r) : 0;
        if ((o & 3) == 3 || (o & 0x30) == 0x30 || o & (r->version == 5 ? 0xc0 : 0xfc))
            wst_mqtt_bad(r);
        any |= o;
    }
    if (!wst_mqtt_fine(r) || !r->say->packet) return;
    list_filters(r, all, options);
    if (options) list_options(r, all, "requested_qos", 0, 3);
    if (any & 4) list_options(r, all, "no_local", 2, 1);
    if (any & 8) list_options(r, all, "retain_as_published", 3, 1);
    if (any & 0x30) list_options(r, all, "retain_handling", 4, 3);
}

/* Sections 3.9 and 3.11; the UNSUBACK of 3.1.1 has an id alone. */
static void read_granted(struct wst_mqtt_reading *r)
{
    head_of_list(r);
    if (r->partly || (r->type == WST_MQTT_UNSUBACK && r->version != 5)) return;
    read_reasons(r, r->version == 5);
}

/* Sections 3.14 and 3.15: DISCONNECT, AUTH. */
static void read_state(struct wst_mqtt_reading *r)
{
    bool old = r->version == 3 || r->version == 4;
    if (old && (r->type == WST_MQTT_AUTH || r->place->dir == WST_S2C)) wst_mqtt_bad(r);
    if (r->rest.n == 0 && !r->packet->missing) return;
    if (old) wst_mqtt_bad(r);
    read_reason(r);
    if (r->rest.n == 0 && !r->packet->missing) return;
    struct wst_slice all = wst_mqtt_take_properties(r);
    wst_mqtt_say_properties(r, all, r->type);
}

static void read_nothing(struct wst_mqtt_reading *r)
{
    (void)r;
}

/* -- the fixed header -------------------------------------------------------------------------- */

enum { CLIENT = 1, SERVER = 2, BOTH = 3 };
static const struct kind {
    const char *name;
    void (*read)(struct wst_mqtt_reading *r);
    uint8_t from, flags;
    uint8_t answers; /* type of what it answers, where that can be said without looking in */
} kinds[16] = {
    [WST_MQTT_CONNECT] = {"CONNECT", read_connect, CLIENT, 0, 0},
    [WST_MQTT_CONNACK] = {"CONNACK", read_connack, SERVER, 0, WST_MQTT_CONNECT},
    [WST_MQTT_PUBLISH] = {"PUBLISH", read_publish, BOTH, 0, 0},
    [WST_MQTT_PUBACK] = {"PUBACK", read_ack, BOTH, 0, WST_MQTT_PUBLISH},
    [WST_MQTT_PUBREC] = {"PUBREC", read_ack, BOTH, 0, WST_MQTT_PUBLISH},
    [WST_MQTT_PUBREL] = {"PUBREL", read_ack, BOTH, 2, WST_MQTT_PUBREC},
    [WST_MQTT_PUBCOMP] = {"PUBCOMP", read_ack, BOTH, 0, WST_MQTT_PUBREL},
    [WST_MQTT_SUBSCRIBE] = {"SUBSCRIBE", read_filters, CLIENT, 2, 0},
    [WST_MQTT_SUBACK] = {"SUBACK", read_granted, SERVER, 0, WST_MQTT_SUBSCRIBE},
    [WST_MQTT_UNSUBSCRIBE] = {"UNSUBSCRIBE", read_filters, CLIENT, 2, 0},
    [WST_MQTT_UNSUBACK] = {"UNSUBACK", read_granted, SERVER, 0, WST_MQTT_UNSUBSCRIBE},
    [WST_MQTT_PINGREQ] = {"PINGREQ", read_nothing, CLIENT, 0, 0},
    [WST_MQTT_PINGRESP] = {"PINGRESP", read_nothing, SERVER, 0, WST_MQTT_PINGREQ},
    [WST_MQTT_DISCONNECT] = {"DISCONNECT", read_state, BOTH, 0, 0},
    [WST_MQTT_AUTH] = {"AUTH", read_state, BOTH, 0, 0},
};

/* 3.1 lets three of them be sent again, which DUP tells (its section 2.1). */
static bool flags_fit(const struct wst_mqtt_reading *r, const struct kind *kind)
{
    if (r->type == WST_MQTT_PUBLISH) return true;
    uint8_t flags = r->flags;
    if (kind->flags && (r->version == 0 || r->version == 3)) flags &= ~8;
    return flags == kind->flags;
}

static void read_packet(struct wst_mqtt_reading *r, struct wst_say *say,
                        const struct wst_mqtt_place *place, const struct wst_mqtt_packet *packet)
{
    *r = (struct wst_mqtt_reading){.say = say,
                                   .place = place,
                                   .packet = packet,
                                   .type = packet->first >> 4,
                                   .flags = packet->first & 15,
                                   .version = *place->version,
                                   .rest = packet->body};
    const struct kind *kind = &kinds[r->type];
    if (!kind->read || !(kind->from & (place->dir == WST_C2S ? CLIENT : SERVER)) ||
        !flags_fit(r, kind)) {
        wst_mqtt_bad(r);
        return;
    }
    kind->read(r);
    bool behind = r->rest.n > 0 || packet->missing;
    if (behind && !r->partly && r->type != WST_MQTT_PUBLISH) wst_mqtt_bad(r);
}

/* What waits for what: the space of an id is the type of the packet that asks; PUBLISH of QoS 1 and
 * of QoS 2 wait for different packets. */
static uint8_t space_of(uint8_t type, bool twice)
{
    return twice ? type | 0x80 : type;
}

static void say_flow(struct wst_mqtt_reading *r)
{
    static const uint8_t none[1] = {0};
    struct wst_slice id = r->id.p ? r->id : wst_slice_of(none, 0);
    unsigned qos = r->flags >> 1 & 3;
    uint8_t type = r->type, answers = kinds[type].answers;
    bool again = r->flags & 8; /* DUP; what answers it comes again, too */
    void (*ask)(struct wst_say *, uint8_t, struct wst_slice) =
        again ? wst_say_asks_once : wst_say_asks;
    if (answers) wst_say_answers(r->say, space_of(answers, type == WST_MQTT_PUBREC), id);
    switch (r->type) {
    case WST_MQTT_CONNECT:
    case WST_MQTT_SUBSCRIBE:
    case WST_MQTT_UNSUBSCRIBE:
    case WST_MQTT_PINGREQ: ask(r->say, type, id); break;
    case WST_MQTT_PUBREL: wst_say_asks_once(r->say, type, id); break;
    case WST_MQTT_PUBREC:
        if (!r->error) wst_say_asks_once(r->say, type, id);
        break;
    case WST_MQTT_PUBLISH:
        if (qos) ask(r->say, space_of(type, qos == 2), id);
        break;
    case WST_MQTT_AUTH: /* 5.0 section 4.12: the server goes on asking; at last it succeeds */
        if (r->place->dir == WST_C2S && r->reason == 0x18) wst_say_answers(r->say, type, id);
        if (r->place->dir == WST_S2C && r->reason == 0x18) wst_say_asks(r->say, type, id);
        if (r->place->dir == WST_C2S && r->reason == 0x19)
            wst_say_asks(r->say, space_of(type, true), id);
        if (r->place->dir == WST_S2C && r->reason == 0)
            wst_say_answers(r->say, space_of(type, true), id);
        break;
    default: break;
    }
}

bool wst_mqtt_fits(struct wst_say *say, const struct wst_mqtt_place *place,
                   const struct wst_mqtt_packet *packet)
{
    struct wst_mqtt_reading r;
    say->packet = NULL;
    read_packet(&r, say, place, packet);
    return r.how != WST_MQTT_BAD;
}

void wst_mqtt_say(struct wst_say *say, const struct wst_mqtt_place *place,
                  const struct wst_mqtt_packet *packet)
{
    struct wst_mqtt_reading r;
    wst_say_packet(say, kinds[packet->first >> 4].name);
    read_packet(&r, say, place, packet);
    if (r.how == WST_MQTT_CUT && say->packet && say->packet->body.kind == WST_APP_NOTHING)
        wst_say_body_bytes(say, wst_slice_of("", 0), r.rest.n + packet->missing);
    *place->version = r.version;
    if (r.alias && r.topic.n) wst_mqtt_alias_put(place->aliases, say->budget, r.alias, r.topic);
    if (r.error) wst_say_error(say);
    if (r.how == WST_MQTT_GOES_ON || r.id.p) say_flow(&r);
}
