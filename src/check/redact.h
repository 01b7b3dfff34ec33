/* SPDX-License-Identifier: MIT
 *
 * In: texts, and regular expressions (POSIX extended), most with a name. Out: the texts in pieces:
 * what stays, and the values that were found, numbered; one value has one number wherever it is.
 * Refuses expressions that do not compile, and more than WST_REDACT_RULES of them.
 */
#ifndef WST_CHECK_REDACT_H
#define WST_CHECK_REDACT_H

#include "buf.h"
#include "ink.h"
#include "pattern.h"

enum {
    WST_REDACT_RULES = 64,
    WST_REDACT_NAME = 32, /* bytes of a name, its NUL among them */
    WST_REDACT_VALUES =
        1 << 20 /* different values of one capture; the rest shares the last number */
};

#define WST_REDACT_IGNORED "<ignored>"

struct wst_redact_rule {
    char name[WST_REDACT_NAME]; /* "": what matches has no number, and is WST_REDACT_IGNORED */
    struct wst_pattern pattern;
};

struct wst_redact { /* the rules; may be shared */
    struct wst_redact_rule *rules;
    uint32_t n;
};

/* NULL, or what is wrong; `error` holds the words of the regex library when it points there. */
const char *wst_redact_add(struct wst_redact *redact, struct wst_slice name, struct wst_slice regex,
                           char error[WST_PATTERN_ERROR]);
/* The same for what only does not matter: the same value need not be the same everywhere. */
const char *wst_redact_ignore(struct wst_redact *redact, struct wst_slice regex,
                              char error[WST_PATTERN_ERROR]);
void wst_redact_free(struct wst_redact *redact);

struct wst_redact_value {
    uint64_t hash;
    size_t at;
    uint32_t n;
    uint32_t rule;   /* 1-based; 0: an empty slot */
    uint32_t number; /* of the value, 0-based, in the order met */
};

struct wst_redact_values { /* what one capture held */
    struct wst_redact_value *slots;
    uint32_t n, room;
    struct wst_buf bytes;   /* of the values */
    struct wst_buf scratch; /* the text at work, for regexec */
    struct wst_budget *budget;
    uint64_t cut; /* texts in which there may be a match that is too long to be found */
    bool failed;
};

struct wst_redact_sink {
    void *user;
    void (*literal)(void *user, struct wst_slice text);
    void (*value)(void *user, uint32_t rule, uint32_t number);
};

/* Tells `text` in pieces. Returns whether a value was in it. The literals point into `text`,
 * or are WST_REDACT_IGNORED. */
bool wst_redact_text(const struct wst_redact *redact, struct wst_redact_values *values,
                     struct wst_slice text, const struct wst_redact_sink *sink);
void wst_redact_values_free(struct wst_redact_values *values);

#endif
