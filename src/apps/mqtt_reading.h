/* SPDX-License-Identifier: MIT
 *
 * How a packet of MQTT is read. In: its bytes. Out: integers, texts, parts of it.
 * Refuses to read past the end: reading stops there, and says whether something is missing or
 * wrong.
 */
#ifndef WST_APPS_MQTT_READING_H
#define WST_APPS_MQTT_READING_H

#include "mqtt.h"
#include "utf8.h"

enum wst_mqtt_how {
    WST_MQTT_GOES_ON,
    WST_MQTT_CUT, /* it came to bytes that are missing */
    WST_MQTT_BAD  /* to what cannot be */
};

struct wst_mqtt_reading {
    struct wst_say *say;
    const struct wst_mqtt_place *place;
    const struct wst_mqtt_packet *packet;
    enum wst_mqtt_type type;
    uint8_t flags, version;
    enum wst_mqtt_how how;
    struct wst_slice rest;
    bool quiet;  /* this part was, or will be, said */
    bool partly; /* how the rest is laid out is not known: it has no version */
    bool error;
    uint8_t reason;
    struct wst_slice id; /* of the packet; null: none */
    uint16_t alias;      /* 0: none */
    struct wst_slice topic;
};

/* -- bytes ------------------------------------------------------------------------------------- */

static inline void wst_mqtt_bad(struct wst_mqtt_reading *r)
{
    if (r->how == WST_MQTT_GOES_ON) r->how = WST_MQTT_BAD;
}

static inline bool wst_mqtt_fine(const struct wst_mqtt_reading *r)
{
    return r->how == WST_MQTT_GOES_ON;
}

static inline struct wst_slice wst_mqtt_take(struct wst_mqtt_reading *r, size_t n)
{
    if (wst_mqtt_fine(r) && r->rest.n < n)
        r->how = r->packet->missing ? WST_MQTT_CUT : WST_MQTT_BAD;
    if (!wst_mqtt_fine(r)) return (struct wst_slice){NULL, 0};
    struct wst_slice s = wst_slice_head(r->rest, n);
    r->rest = wst_slice_skip(r->rest, n);
    return s;
}

static inline uint8_t wst_mqtt_take_byte(struct wst_mqtt_reading *r)
{
    struct wst_slice s = wst_mqtt_take(r, 1);
    return s.p ? s.p[0] : 0;
}

static inline uint16_t wst_mqtt_take_two(struct wst_mqtt_reading *r)
{
    struct wst_slice s = wst_mqtt_take(r, 2);
    return s.p ? wst_be16(s.p) : 0;
}

static inline uint32_t wst_mqtt_take_four(struct wst_mqtt_reading *r)
{
    struct wst_slice s = wst_mqtt_take(r, 4);
    return s.p ? wst_be32(s.p) : 0;
}

static inline uint32_t wst_mqtt_take_variable(struct wst_mqtt_reading *r) /* 5.0 section 1.5.5 */
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = wst_mqtt_take_byte(r);
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    wst_mqtt_bad(r);
    return 0;
}

static inline struct wst_slice wst_mqtt_take_binary(struct wst_mqtt_reading *r)
{
    return wst_mqtt_take(r, wst_mqtt_take_two(r));
}

/* Section 1.5.4. */
static inline struct wst_slice wst_mqtt_take_text(struct wst_mqtt_reading *r)
{
    struct wst_slice s = wst_mqtt_take_binary(r);
    if (s.n && (memchr(s.p, 0, s.n) || !wst_utf8_valid(s))) wst_mqtt_bad(r);
    return s;
}

/* -- 5.0: mqtt_properties.c -------------------------------------------------------------------- */

struct wst_slice wst_mqtt_take_properties(struct wst_mqtt_reading *r);
/* Reads and says them. `where`: the packet, or the Will. */
void wst_mqtt_say_properties(struct wst_mqtt_reading *r, struct wst_slice all,
                             enum wst_mqtt_type where);
/* The alias among those of a PUBLISH; 0: none. */
uint16_t wst_mqtt_alias_among(const struct wst_mqtt_reading *r, struct wst_slice all);
struct wst_mqtt_alias *wst_mqtt_alias_find(const struct wst_mqtt_aliases *aliases, uint16_t alias);
void wst_mqtt_alias_put(struct wst_mqtt_aliases *aliases, struct wst_budget *budget, uint16_t alias,
                        struct wst_slice topic);

#endif
