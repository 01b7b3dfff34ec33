/* SPDX-License-Identifier: MIT
 *
 * In: a timeline. Out: the same, each message with what it says in its application's protocol.
 * Refuses to look into what is not whole and certain: the protocol hears that something was lost.
 */
#include "conns.h"
#include "protocol.h"

#include <stdlib.h>

enum {
    FIRST_MESSAGES = 4, /* of a connection may tell what is spoken: hellos and their answers */
    MEMORY = 64 << 20
};

static const struct wst_app_protocol *const protocols[WST_APPS] = {
#define WST_APP_ROW(NAME, symbol, id, title, where) [WST_APP_##NAME] = &wst_app_##symbol,
#include <wstrace/apps.def>
#undef WST_APP_ROW
};

static const struct wst_app_row rows[WST_APPS] = {
#define WST_APP_ROW(NAME, symbol, id, title, where) [WST_APP_##NAME] = {id, title, where},
#include <wstrace/apps.def>
#undef WST_APP_ROW
};

struct app_conn {
    struct wst_conn_node node;
    const struct wst_app_protocol *protocol;
    struct wst_asks asks[2];
    struct wst_app_total total;
    size_t size;
    _Alignas(16) uint8_t state[];
};

struct wst_apps {
    struct wst_listener next;
    struct wst_budget budget;
    struct wst_conns conns;
    struct wst_conns missed; /* not known yet, and something of them was lost */
    struct wst_say say;
};

const struct wst_app_row *wst_app_row(enum wst_app app)
{
    return app > WST_APP_NONE && app < WST_APPS ? &rows[app] : NULL;
}

/* -- something was lost before the protocol was known ------------------------------------------ */

static void miss(struct wst_apps *apps, uint64_t conn)
{
    if (conn == 0 || wst_conns_find(&apps->missed, conn)) return;
    struct wst_conn_node *node = wst_budget_new(&apps->budget, sizeof *node);
    if (!node) return;
    node->conn = conn;
    if (wst_conns_add(&apps->missed, node)) return;
    wst_budget_give(&apps->budget, sizeof *node);
    free(node);
}

static bool missed_take(struct wst_apps *apps, uint64_t conn)
{
    struct wst_conn_node *node = wst_conns_find(&apps->missed, conn);
    if (!node) return false;
    wst_conns_take(&apps->missed, node);
    wst_budget_give(&apps->budget, sizeof *node);
    free(node);
    return true;
}

/* -- connections whose protocol is known ------------------------------------------------------- */

static struct app_conn *conn_open(struct wst_apps *apps, uint64_t conn,
                                  const struct wst_app_protocol *protocol)
{
    size_t size = sizeof(struct app_conn) + protocol->state_size;
    struct app_conn *c = wst_budget_new(&apps->budget, size);
    if (!c) return NULL;
    c->node.conn = conn;
    c->protocol = protocol;
    c->size = size;
    c->total = (struct wst_app_total){.app = protocol->app, .certain = true};
    if (wst_conns_add(&apps->conns, &c->node)) {
        c->total.certain = !missed_take(apps, conn);
        return c;
    }
    wst_budget_give(&apps->budget, size);
    free(c);
    return NULL;
}

static void conn_over(struct wst_apps *apps, struct app_conn *c)
{
    if (c->protocol->over) c->protocol->over(c->state, &apps->budget);
    for (int d = 0; d < 2; d++) wst_asks_free(&c->asks[d], &apps->budget);
    wst_conns_take(&apps->conns, &c->node);
    wst_budget_give(&apps->budget, c->size);
    free(c);
}

static void conn_lost(struct wst_apps *apps, struct app_conn *c, enum wst_dir dir)
{
    c->total.certain = false;
    for (int d = 0; d < 2 && c->protocol->ids_return; d++)
        wst_asks_free(&c->asks[d], &apps->budget);
    if (c->protocol->lost) c->protocol->lost(c->state, &apps->budget, dir);
}

/* -- which protocol ---------------------------------------------------------------------------- */

static const struct wst_app_protocol *by_name(const struct wst_event_handshake *shake)
{
    for (int app = WST_APP_NONE + 1; app < WST_APPS; app++)
        if (protocols[app]->named && protocols[app]->named(shake)) return protocols[app];
    return NULL;
}

/* What was chosen outweighs all addresses. */
static void on_handshake(struct wst_apps *apps, const struct wst_event *event)
{
    struct wst_event_handshake chosen = event->handshake;
    if (!chosen.accepted || event->conn == 0) return;
    if (chosen.status < 0) miss(apps, event->conn); /* joined late */
    chosen.uri = (struct wst_slice){NULL, 0};
    const struct wst_app_protocol *p = by_name(&chosen);
    if (!p) p = by_name(&event->handshake);
    if (!p || wst_conns_find(&apps->conns, event->conn)) return;
    struct app_conn *c = conn_open(apps, event->conn, p);
    if (c && p->begin) p->begin(c->state, &event->handshake);
}

static struct app_conn *by_sound(struct wst_apps *apps, const struct wst_event *event)
{
    if (event->message.msg > FIRST_MESSAGES || event->conn == 0) return NULL;
    for (int app = WST_APP_NONE + 1; app < WST_APPS; app++) {
        const struct wst_app_protocol *p = protocols[app];
        wst_say_begin(&apps->say, event, NULL, NULL);
        if (p->sounds && p->sounds(&apps->say, event)) return conn_open(apps, event->conn, p);
    }
    return NULL;
}

/* -- events ------------------------------------------------------------------------------------ */

static void pass(const struct wst_apps *apps, const struct wst_event *event)
{
    apps->next.event(apps->next.user, event);
}

static void on_message(struct wst_apps *apps, const struct wst_event *event)
{
    const struct wst_event_message *m = &event->message;
    struct app_conn *c = apps->conns.n ? wst_conns_find(&apps->conns, event->conn) : NULL;
    bool whole = m->certain && m->omitted == 0 && event->dir != WST_DIR_NONE;
    wst_say_next(&apps->say);
    if (!c && whole) c = by_sound(apps, event);
    if (!c && !whole && m->msg <= FIRST_MESSAGES) miss(apps, event->conn);
    if (!c) {
        pass(apps, event);
        return;
    }
    wst_say_begin(&apps->say, event, c->asks, &c->total);
    if (whole)
        c->protocol->message(&apps->say, c->state, event);
    else if (event->dir != WST_DIR_NONE)
        conn_lost(apps, c, event->dir);
    struct wst_event with = *event;
    with.message.app = &apps->say.said;
    pass(apps, &with);
}

static void on_end(struct wst_apps *apps, const struct wst_event *event)
{
    struct app_conn *c = wst_conns_find(&apps->conns, event->conn);
    if (!c) {
        missed_take(apps, event->conn);
        pass(apps, event);
        return;
    }
    for (int d = 0; d < 2; d++) {
        const struct wst_ask *first = wst_asks_first(&c->asks[d]);
        if (first && !first->twin) c->total.dir[d].unanswered_msg = first->msg;
        if (c->asks[d].forgotten || (first && first->twin)) c->total.certain = false;
    }
    struct wst_event with = *event;
    with.end.app = &c->total;
    pass(apps, &with);
    conn_over(apps, c);
}

static void on_event(void *user, const struct wst_event *event)
{
    struct wst_apps *apps = user;
    struct app_conn *c;
    switch (event->type) {
    case WST_EVENT_MESSAGE: on_message(apps, event); return;
    case WST_EVENT_END: on_end(apps, event); return;
    case WST_EVENT_HANDSHAKE: on_handshake(apps, event); break;
    case WST_EVENT_GAP:
        c = wst_conns_find(&apps->conns, event->conn);
        if (c && event->dir != WST_DIR_NONE) conn_lost(apps, c, event->dir);
        if (!c) miss(apps, event->conn);
        break;
    default: break;
    }
    pass(apps, event);
}

static void on_flush(void *user)
{
    const struct wst_apps *apps = user;
    if (apps->next.flush) apps->next.flush(apps->next.user);
}

/* -- the door ---------------------------------------------------------------------------------- */

void wst_apps_options_init(struct wst_apps_options *options)
{
    *options = (struct wst_apps_options){.memory = MEMORY};
}

struct wst_apps *wst_apps_new(const struct wst_apps_options *options,
                              const struct wst_listener *next)
{
    struct wst_apps *apps = calloc(1, sizeof *apps);
    if (!apps) return NULL;
    apps->next = *next;
    apps->budget.max = options ? options->memory : MEMORY;
    apps->say.budget = apps->conns.budget = apps->missed.budget = &apps->budget;
    return apps;
}

struct wst_listener wst_apps_listener(struct wst_apps *apps)
{
    return (struct wst_listener){apps, on_event, on_flush};
}

void wst_apps_free(struct wst_apps *apps)
{
    struct app_conn *c;
    const struct wst_conn_node *missed;
    if (!apps) return;
    while ((c = wst_conns_next(&apps->conns, NULL))) conn_over(apps, c);
    while ((missed = wst_conns_next(&apps->missed, NULL))) missed_take(apps, missed->conn);
    wst_conns_free(&apps->conns);
    wst_conns_free(&apps->missed);
    wst_tape_free(&apps->say.json.tape, &apps->budget);
    free(apps);
}
