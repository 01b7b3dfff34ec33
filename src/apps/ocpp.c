/* SPDX-License-Identifier: MIT
 *
 * OCPP-J, the Open Charge Point Protocol in JSON: 1.6 and before, 2.0.1, 2.1.
 * In: a message. Out: what it is by its type, answers by their message id.
 * Refuses other types, and lists that have not their elements.
 *
 *     [2, "19223201", "BootNotification", {"reason": "PowerUp"}]     CALL, SEND
 *     [3, "19223201", {"status": "Accepted"}]                        CALLRESULT
 *     [4, "19223201", "NotImplemented", "no such action", {}]        CALLERROR, CALLRESULTERROR
 *
 * OCPP 1.6J section 4; OCPP 2.1 part 4, section 4.2 (2.0.1 has the first three of them).
 */
#include "protocol.h"
#include "slice.h"

struct state {
    bool three; /* there are three types: a version before 2.1 was agreed */
};

enum { CALL = 2, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND };

static const struct kind {
    const char *name;
    uint32_t members;
} kinds[] = {
    [CALL] = {"CALL", 4},           [CALLRESULT] = {"CALLRESULT", 3},
    [CALLERROR] = {"CALLERROR", 5}, [CALLRESULTERROR] = {"CALLRESULTERROR", 5},
    [SEND] = {"SEND", 4},
};

static bool named(const struct wst_event_handshake *shake)
{
    return shake->subprotocol.p && wst_slice_starts(shake->subprotocol, "ocpp") &&
           shake->subprotocol.n > 4 && shake->subprotocol.p[4] >= '0' &&
           shake->subprotocol.p[4] <= '9';
}

static void begin(void *opaque, const struct wst_event_handshake *shake)
{
    struct state *state = opaque;
    state->three = wst_slice_starts(shake->subprotocol, "ocpp1.") ||
                   wst_slice_starts(shake->subprotocol, "ocpp2.0");
}

/* Null says that it has no members (OCPP-J 1.6 section 4.2). */
static bool is_payload(const struct wst_json_text *j, const struct wst_tape_node *payload)
{
    return wst_json_text_kind(payload, WST_TAPE_OBJECT) || wst_json_text_is_null(j, payload);
}

/* The type; 0: none of them. */
static int32_t type_of(const struct wst_json_text *j, const struct wst_tape_node *all)
{
    int32_t type = wst_json_text_number(j, wst_json_text_at(j, all, 0));
    if (type < CALL || type > SEND || all->members != kinds[type].members) return 0;
    if (!wst_json_text_kind(wst_json_text_at(j, all, 1), WST_TAPE_STRING)) return 0;
    if (type == CALLRESULT) return is_payload(j, wst_json_text_at(j, all, 2)) ? type : 0;
    if (!wst_json_text_kind(wst_json_text_at(j, all, 2), WST_TAPE_STRING)) return 0;
    if (type == CALLERROR || type == CALLRESULTERROR) {
        bool text = wst_json_text_kind(wst_json_text_at(j, all, 3), WST_TAPE_STRING);
        return text && wst_json_text_kind(wst_json_text_at(j, all, 4), WST_TAPE_OBJECT) ? type : 0;
    }
    return is_payload(j, wst_json_text_at(j, all, 3)) ? type : 0;
}

/* What a station calls first. WAMP 1 has calls that look alike but for the action. */
static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    static const char *const first[] = {
        "BootNotification", "Heartbeat",        "StatusNotification",
        "Authorize",        "StartTransaction", "TransactionEvent",
        "MeterValues",      "StopTransaction",  "SecurityEventNotification",
        "NotifyEvent",      "NotifyReport",     "FirmwareStatusNotification",
    };
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *all;
    if (event->message.opcode != 1 || event->dir != WST_C2S ||
        !(all = wst_say_read(say, event->message.payload)) || type_of(j, all) != CALL)
        return false;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (wst_json_text_is(j, wst_json_text_at(j, all, 2), first[i])) return true;
    return false;
}

static void say_error(struct wst_say *say, const struct wst_tape_node *all)
{
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *details = wst_json_text_at(j, all, 4);
    wst_say_error(say);
    wst_say_json(say, "error_code", wst_json_text_raw(j, wst_json_text_at(j, all, 2)));
    wst_say_json(say, "error_description", wst_json_text_raw(j, wst_json_text_at(j, all, 3)));
    if (details->members > 0) wst_say_body_json(say, wst_json_text_raw(j, details));
}

static void message(struct wst_say *say, void *opaque, const struct wst_event *event)
{
    const struct wst_json_text *j = &say->json;
    const struct state *state = opaque;
    const struct wst_tape_node *all = NULL;
    if (event->message.opcode == 1 && !(all = wst_say_read(say, event->message.payload))) {
        wst_say_unread(say);
        return;
    }
    int32_t type = type_of(j, all);
    if (type == 0 || (type > CALLERROR && state->three)) {
        wst_say_strange(say);
        return;
    }
    struct wst_slice id = wst_json_text_raw(j, wst_json_text_at(j, all, 1));
    wst_say_packet(say, kinds[type].name);
    wst_say_json(say, "message_id", id);
    if (type == CALL || type == SEND) {
        wst_say_json(say, "action", wst_json_text_raw(j, wst_json_text_at(j, all, 2)));
        wst_say_body_json(say, wst_json_text_raw(j, wst_json_text_at(j, all, 3)));
    } else if (type == CALLRESULT) {
        wst_say_body_json(say, wst_json_text_raw(j, wst_json_text_at(j, all, 2)));
    } else {
        say_error(say, all);
    }
    if (type == CALL) wst_say_asks(say, 0, id);
    if (type == CALLRESULT || type == CALLERROR) wst_say_answers(say, 0, id);
}

const struct wst_app_protocol wst_app_ocpp = {
    .app = WST_APP_OCPP,
    .state_size = sizeof(struct state),
    .named = named,
    .sounds = sounds,
    .begin = begin,
    .message = message,
};
