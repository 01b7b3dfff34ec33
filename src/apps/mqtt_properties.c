/* SPDX-License-Identifier: MIT
 *
 * The properties of MQTT 5.0 (section 2.2.2), and topics behind numbers (section 3.3.2.3.4).
 * In: the properties of a packet. Out: a field for each; of those that may come again, a list.
 * Refuses one that the packet may not have, or may have once.
 *
 *     length of all   identifier value   identifier value …
 */
#include "list.h"
#include "mqtt_reading.h"

#include <stdlib.h>

/* -- properties (5.0 section 2.2.2) ------------------------------------------------------------ */

enum value { BYTE, TWO, FOUR, VARIABLE, TEXT, BINARY, PAIR };
#define IN(type) (1u << WST_MQTT_##type)

struct property {
    const char *name, *will_name;
    enum value value;
    uint16_t where;
};
static const struct property properties[] = {
#define WST_MQTT_PROPERTY(id, name, value, where) [id] = {name, "will_" name, value, where},
#include "mqtt.def"
#undef WST_MQTT_PROPERTY
};
enum { PROPERTIES = sizeof properties / sizeof *properties, TOPIC_ALIAS = 0x23, AUTH_DATA = 0x16 };
_Static_assert(PROPERTIES <= 64, "a bit each");

static const struct property *property_of(uint32_t id, enum wst_mqtt_type where)
{
    if (id >= PROPERTIES || !(properties[id].where & 1u << where)) return NULL;
    return &properties[id];
}

/* Only these may come more than once: they are told as one list, by list_properties. */
static bool may_repeat(const struct property *p, enum wst_mqtt_type where)
{
    return p->value == PAIR || (p->value == VARIABLE && where == WST_MQTT_PUBLISH);
}

static void read_property(struct wst_mqtt_reading *r, const struct property *p,
                          enum wst_mqtt_type where)
{
    const char *name = where == WST_MQTT_WILL ? p->will_name : p->name;
    bool list = may_repeat(p, where);
    uint32_t number = 0;
    struct wst_slice s = {NULL, 0};
    switch (p->value) {
    case BYTE: number = wst_mqtt_take_byte(r); break;
    case TWO: number = wst_mqtt_take_two(r); break;
    case FOUR: number = wst_mqtt_take_four(r); break;
    case VARIABLE: number = wst_mqtt_take_variable(r); break;
    case TEXT: s = wst_mqtt_take_text(r); break;
    case BINARY: s = wst_mqtt_take_binary(r); break;
    case PAIR:
        wst_mqtt_take_text(r);
        wst_mqtt_take_text(r);
        break;
    }
    if (p->value == BYTE && number > 1) wst_mqtt_bad(r);
    if (list || r->quiet || !wst_mqtt_fine(r)) return;
    if (p == &properties[AUTH_DATA])
        wst_say_flag(r->say, name, true); /* may be a password */
    else if (p->value == BINARY)
        wst_say_bytes(r->say, name, s);
    else if (p->value == TEXT)
        wst_say_text(r->say, name, s);
    else
        wst_say_number(r->say, name, number);
}

/* Those of one kind, once it is known that all are well. */
static void list_properties(struct wst_mqtt_reading *r, struct wst_slice all,
                            enum wst_mqtt_type where, const struct property *kind)
{
    struct wst_mqtt_reading q = *r;
    struct wst_list list = wst_list_new(r->say);
    q.rest = all;
    q.quiet = true;
    while (q.rest.n > 0 && wst_mqtt_fine(&q)) {
        const struct property *p = property_of(wst_mqtt_take_variable(&q), where);
        if (!p) return;
        if (p != kind) {
            read_property(&q, p, where);
        } else if (p->value == PAIR) {
            struct wst_slice name = wst_mqtt_take_text(&q);
            wst_list_pair(&list, name, wst_mqtt_take_text(&q));
        } else {
            wst_list_number(&list, wst_mqtt_take_variable(&q));
        }
    }
    wst_list_say(&list, where == WST_MQTT_WILL ? kind->will_name : kind->name);
}

struct wst_slice wst_mqtt_take_properties(struct wst_mqtt_reading *r)
{
    return wst_mqtt_take(r, wst_mqtt_take_variable(r));
}

void wst_mqtt_say_properties(struct wst_mqtt_reading *r, struct wst_slice all,
                             enum wst_mqtt_type where)
{
    struct wst_slice behind = r->rest;
    uint64_t seen = 0;
    if (!wst_mqtt_fine(r)) return;
    r->rest = all;
    while (r->rest.n > 0 && wst_mqtt_fine(r)) {
        uint32_t id = wst_mqtt_take_variable(r);
        const struct property *p = property_of(id, where);
        if (!p || (seen & UINT64_C(1) << id && !may_repeat(p, where))) {
            wst_mqtt_bad(r);
            return;
        }
        read_property(r, p, where);
        seen |= UINT64_C(1) << id;
    }
    if (r->how == WST_MQTT_CUT)
        r->how = WST_MQTT_BAD; /* all of them are there: it is their own length that is not */
    r->rest = behind;
    if (!wst_mqtt_fine(r) || !r->say->packet) return;
    for (uint32_t id = 0; id < PROPERTIES; id++)
        if (seen & UINT64_C(1) << id && may_repeat(&properties[id], where))
            list_properties(r, all, where, &properties[id]);
}

/* -- topics behind numbers --------------------------------------------------------------------- */

uint16_t wst_mqtt_alias_among(const struct wst_mqtt_reading *r, struct wst_slice all)
{
    struct wst_mqtt_reading q = *r;
    q.rest = all;
    q.quiet = true;
    while (q.rest.n > 0 && wst_mqtt_fine(&q)) {
        uint32_t id = wst_mqtt_take_variable(&q);
        const struct property *p = property_of(id, WST_MQTT_PUBLISH);
        if (!p) return 0;
        if (id == TOPIC_ALIAS) return wst_mqtt_take_two(&q);
        read_property(&q, p, WST_MQTT_PUBLISH);
    }
    return 0;
}

struct wst_mqtt_alias *wst_mqtt_alias_find(const struct wst_mqtt_aliases *aliases, uint16_t alias)
{
    for (size_t i = 0; aliases->list && i < WST_MQTT_ALIASES; i++)
        if (aliases->list[i].alias == alias) return &aliases->list[i];
    return NULL;
}

void wst_mqtt_alias_put(struct wst_mqtt_aliases *aliases, struct wst_budget *budget, uint16_t alias,
                        struct wst_slice topic)
{
    if (!aliases->list)
        aliases->list = wst_budget_new(budget, WST_MQTT_ALIASES * sizeof *aliases->list);
    struct wst_mqtt_alias *a = wst_mqtt_alias_find(aliases, alias);
    if (!a) a = wst_mqtt_alias_find(aliases, 0);
    if (!a) return;
    a->topic.n = 0;
    a->alias = wst_buf_append(&a->topic, budget, topic, topic.n) ? alias : 0;
}

void wst_mqtt_aliases_free(struct wst_mqtt_aliases *aliases, struct wst_budget *budget)
{
    if (!aliases->list) return;
    for (size_t i = 0; i < WST_MQTT_ALIASES; i++) wst_buf_free(&aliases->list[i].topic, budget);
    wst_budget_give(budget, WST_MQTT_ALIASES * sizeof *aliases->list);
    free(aliases->list);
    aliases->list = NULL;
}
