/* SPDX-License-Identifier: MIT
 *
 * In: a line of rules. Out: its tokens, one after the other, each with its column.
 * Refuses characters that begin none, and texts without an end.
 */
#ifndef WST_CHECK_LEX_H
#define WST_CHECK_LEX_H

#include "slice.h"

enum wst_token_kind {
    WST_TOKEN_END,
    WST_TOKEN_WORD,   /* message, c2s, X-Header, frame.unmasked-client */
    WST_TOKEN_NUMBER, /* 3  -1.5  64K  2s  100ms */
    WST_TOKEN_STRING, /* "a \"b\"\n" */
    WST_TOKEN_REGEX,  /* /a\/b/i */
    WST_TOKEN_PATH,   /* $.a['b c'] */
    WST_TOKEN_SIGN,   /* == != < <= > >= ~ , * */
    WST_TOKEN_WRONG   /* text: why */
};

struct wst_token {
    enum wst_token_kind kind;
    uint32_t column;       /* 1-based, bytes */
    struct wst_slice text; /* as written; of strings and expressions without what is around them */
    bool nocase;           /* of a regex: /…/i */
};

struct wst_lex {
    struct wst_slice line;
    size_t at;
    struct wst_token token; /* the one at hand */
};

void wst_lex_begin(struct wst_lex *lex, struct wst_slice line);
void wst_lex_next(struct wst_lex *lex);
static inline bool wst_lex_is(const struct wst_lex *lex, enum wst_token_kind kind, const char *text)
{
    return lex->token.kind == kind && wst_slice_is(lex->token.text, text);
}

/* The number of a token with its unit: a plain one (also negative, with a fraction), bytes (64K),
 * nanoseconds (2s, 100ms). False: no such number. */
bool wst_lex_integer(const struct wst_token *token, uint64_t *value);
bool wst_lex_size(const struct wst_token *token, uint64_t *value);
bool wst_lex_time(const struct wst_token *token, int64_t *ns);

#endif
