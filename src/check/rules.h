/* SPDX-License-Identifier: MIT
 *
 * Inside the room: rules as they were read. docs/CHECKS.md is the language; rules.c reads it.
 */
#ifndef WST_CHECK_RULES_H
#define WST_CHECK_RULES_H

#include "path.h"
#include "pattern.h"

#include <wstrace/check.h>

enum {
    WST_CHECK_RULES = 1000,      /* of one file */
    WST_CHECK_RULES_LINE = 4096, /* bytes of a line */
    WST_CHECK_RULES_SCOPES = 100,
    WST_CHECK_RULES_STEPS = 16, /* messages of one "then" chain */
    WST_CHECK_RULES_TESTS = 8,  /* conditions of one message */
    WST_CHECK_RULES_LIST = 16   /* codes, ids of one rule */
};

enum wst_check_rule_kind {
    WST_CHECK_RULE_MESSAGE, /* message … then message … */
    WST_CHECK_RULE_NO_MESSAGE,
    WST_CHECK_RULE_MESSAGES, /* counts */
    WST_CHECK_RULE_PINGS,
    WST_CHECK_RULE_PONGS,
    WST_CHECK_RULE_CLOSES,
    WST_CHECK_RULE_BYTES,
    WST_CHECK_RULE_LARGEST,
    WST_CHECK_RULE_CONNECTIONS, /* of a scope, not of a connection */
    WST_CHECK_RULE_REFUSED,     /* likewise */
    WST_CHECK_RULE_STATUS,
    WST_CHECK_RULE_SUBPROTOCOL, /* values[0]; compare */
    WST_CHECK_RULE_NO_SUBPROTOCOL,
    WST_CHECK_RULE_DEFLATE,
    WST_CHECK_RULE_NO_DEFLATE,
    WST_CHECK_RULE_HEADER,
    WST_CHECK_RULE_NO_HEADER,
    WST_CHECK_RULE_CLOSE, /* list of codes, tests of the reason */
    WST_CHECK_RULE_NO_CLOSE,
    WST_CHECK_RULE_NO_PROBLEMS, /* level, list of ids left out */
    WST_CHECK_RULE_NO_PROBLEM,  /* list of ids */
    WST_CHECK_RULE_NO_GAPS,
    WST_CHECK_RULE_PONG,      /* within */
    WST_CHECK_RULE_REPLY,     /* path, within */
    WST_CHECK_RULE_HANDSHAKE, /* within */
    WST_CHECK_RULE_DURATION,  /* times */
    WST_CHECK_RULE_SILENCE
};

enum wst_compare {
    WST_EQUAL,
    WST_UNEQUAL,
    WST_LESS,
    WST_MOST,
    WST_MORE,
    WST_LEAST,
    WST_MATCHES,
    WST_THERE
};

struct wst_test { /* of a payload, or of one text */
    enum wst_compare compare;
    bool json; /* of the values at `path`, in the payload; else of the whole */
    bool app;  /* of those in what is said in the application's protocol */
    struct wst_path path;
    struct wst_pattern pattern;
    char *value; /* owned: a string decoded, a number or word as written */
    size_t value_n;
    bool string; /* the value is a string */
};

struct wst_step {      /* one message of a chain */
    uint32_t first, n; /* tests, in the rules' list */
    int8_t dir;        /* WST_DIR_NONE: either */
    uint8_t opcode;    /* 0: either */
    int64_t within_ns; /* 0: whenever */
    bool of_handshake; /* within … of it; else of the step before */
};

struct wst_check_rule {
    enum wst_check_rule_kind kind;
    uint32_t line;
    struct wst_slice text; /* as written, without blanks around it and comment */
    uint32_t scope;
    enum wst_compare compare; /* of counts, sizes, times */
    uint64_t amount;          /* or nanoseconds */
    struct wst_step step;     /* of counts: what is counted; of others: tests, direction */
    uint32_t steps, steps_n;  /* of messages: in the rules' list */
    bool response;            /* of headers */
    struct wst_slice name;    /* of a header, into the text */
    uint32_t list[WST_CHECK_RULES_LIST], list_n;
    enum wst_level level;
};

struct wst_scope {
    enum { WST_SCOPE_ALL, WST_SCOPE_URI, WST_SCOPE_PATTERN } kind;
    uint32_t line;
    struct wst_slice text; /* as written: the title of its failures */
    struct wst_slice uri;  /* into the text */
    struct wst_pattern pattern;
    bool may_lack;    /* a rule says how many connections there are */
    bool may_lack_pings; /* likewise */
    uint32_t rules_n; /* that are about a connection */
};

struct wst_check_rules {
    char *text; /* owned: all of it */
    struct wst_check_rule *rules;
    struct wst_scope *scopes;
    struct wst_step *steps;
    struct wst_test *tests;
    uint32_t n, scopes_n, steps_n, tests_n;
    bool headers, json, apps; /* some rule needs them */
};

#endif
