/* SPDX-License-Identifier: MIT
 *
 * In: a number or an enum. Out: its name and what the registries allow, from the .def tables.
 * Refuses nothing: a number without a row gets an answer too.
 */
#include "registry.h"

#include <assert.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* -- opcodes -------------------------------------------------------------------------------- */

static const char *const opcode_names[16] = {
#define WST_OPCODE_ROW(number, name, kind, citation) [number] = name,
#include "opcodes.def"
#undef WST_OPCODE_ROW
};

/* Every opcode has its row: the sixteen bits are all set. And a row's kind is what its number
 * says (RFC 6455 section 5.5). */
enum {
    OPCODES_WITH_A_ROW = 0
#define WST_OPCODE_ROW(number, name, kind, citation) | 1 << (number)
#include "opcodes.def"
#undef WST_OPCODE_ROW
};
static_assert(OPCODES_WITH_A_ROW == 0xffff, "an opcode has no row in opcodes.def");
enum { DATA, CONTROL };
#define WST_OPCODE_ROW(number, name, kind, citation) \
    static_assert((number) >> 3 == (kind), "opcode " #number " is of the other kind");
#include "opcodes.def"
#undef WST_OPCODE_ROW

const char *wst_opcode_name(uint8_t opcode)
{
    return opcode < ROWS(opcode_names) ? opcode_names[opcode] : "reserved";
}

/* -- close codes ---------------------------------------------------------------------------- */

const char *wst_close_code_name(int32_t code)
{
    switch (code) {
#define WST_CLOSE_CODE_ROW(number, name, sent, citation) \
    case number:                                         \
        return name;
#include "close_codes.def"
#undef WST_CLOSE_CODE_ROW
    default: return NULL;
    }
}

bool wst_close_code_may_be_sent(int32_t code)
{
    switch (code) {
#define WST_CLOSE_CODE_ROW(number, name, sent, citation) \
    case number:                                         \
        return sent;
#include "close_codes.def"
#undef WST_CLOSE_CODE_ROW
    /* Section 7.4.2: 3000–3999 belong to libraries and frameworks, 4000–4999 to whom they please;
     * 1016–2999 wait for a standard, and what is outside 1000–4999 is no close code. */
    default: return code >= 3000 && code <= 4999;
    }
}

/* Sections 7.4.1 and 7.4.2 leave no hole between 1000 and 1015. */
enum {
    CLOSE_CODES_WITH_A_ROW = 0
#define WST_CLOSE_CODE_ROW(number, name, sent, citation) +((number) < 1016)
#include "close_codes.def"
#undef WST_CLOSE_CODE_ROW
};
static_assert(CLOSE_CODES_WITH_A_ROW == 16, "a close code has no row in close_codes.def");

/* -- findings ------------------------------------------------------------------------------- */

static const struct wst_problem_row problem_rows[] = {
#define WST_PROBLEM_ROW(NAME, id, level, of, rfc, meaning, advice) \
    {id, level, of, rfc, meaning, advice},
#include <wstrace/problems.def>
#undef WST_PROBLEM_ROW
};
static_assert(ROWS(problem_rows) == WST_PROBLEMS, "a problem has no row in problems.def");

const struct wst_problem_row *wst_problem_row(enum wst_problem problem)
{
    return (unsigned)problem < WST_PROBLEMS ? &problem_rows[problem] : NULL;
}

bool wst_problem_of_peer(enum wst_problem problem)
{
    const struct wst_problem_row *row = wst_problem_row(problem);
    return row && row->of == WST_PEER;
}

/* -- the words of event.h ------------------------------------------------------------------- */

static const char *const event_type_names[] = {
    [WST_EVENT_META] = "meta",       [WST_EVENT_HANDSHAKE] = "handshake",
    [WST_EVENT_FRAME] = "frame",     [WST_EVENT_MESSAGE] = "message",
    [WST_EVENT_CLOSE] = "close",     [WST_EVENT_GAP] = "gap",
    [WST_EVENT_PROBLEM] = "problem", [WST_EVENT_END] = "end",
    [WST_EVENT_STATS] = "stats",
};
static_assert(ROWS(event_type_names) == WST_EVENT_TYPES, "an event type has no name");

static const char *const carrier_names[] = {
    [WST_CARRIER_UNKNOWN] = "unknown",
    [WST_CARRIER_HTTP1] = "http/1.1",
    [WST_CARRIER_H2] = "h2",
    [WST_CARRIER_H3] = "h3",
};
static_assert(ROWS(carrier_names) == WST_CARRIER_H3 + 1, "a carrier has no name");

static const char *const tcp_end_names[] = {
    [WST_TCP_FIN] = "fin",         [WST_TCP_RST] = "rst",         [WST_TCP_EOF] = "eof",
    [WST_TCP_TIMEOUT] = "timeout", [WST_TCP_EVICTED] = "evicted",
};
static_assert(ROWS(tcp_end_names) == WST_TCP_EVICTED + 1, "an end of TCP has no name");

static const char *const no_reply_names[] = {
    [WST_REPLY_NOT_DUE] = NULL,      [WST_REPLY_NONE] = "none",     [WST_REPLY_LATE] = "late",
    [WST_REPLY_NO_TIME] = "no-time", [WST_REPLY_UNSEEN] = "unseen", [WST_REPLY_OPEN] = "open",
};
static_assert(ROWS(no_reply_names) == WST_REPLY_OPEN + 1, "a missing answer has no name");

static const char *const level_names[] = {
    [WST_NOTE] = "note",
    [WST_WARNING] = "warning",
    [WST_ERROR] = "error",
};
static_assert(ROWS(level_names) == WST_LEVELS, "a level has no name");

const char *wst_event_type_name(enum wst_event_type type)
{
    return (unsigned)type < ROWS(event_type_names) ? event_type_names[type] : "unknown";
}

const char *wst_carrier_name(enum wst_carrier carrier)
{
    return (unsigned)carrier < ROWS(carrier_names) ? carrier_names[carrier] : "unknown";
}

const char *wst_tcp_end_name(enum wst_tcp_end end)
{
    return (unsigned)end < ROWS(tcp_end_names) ? tcp_end_names[end] : "unknown";
}

const char *wst_no_reply_name(enum wst_no_reply why)
{
    return (unsigned)why < ROWS(no_reply_names) ? no_reply_names[why] : NULL;
}

const char *wst_level_name(enum wst_level level)
{
    return (unsigned)level < ROWS(level_names) ? level_names[level] : "unknown";
}
