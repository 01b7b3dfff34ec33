/* SPDX-License-Identifier: MIT */
#include "keylog.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "siphash.h"

enum { KEYLOG_FIRST = 64 }; /* slots, a power of two; entries there is room for are half as many */

struct keylog_entry {
    uint8_t identity[WST_IDENTITY];
    uint8_t label; /* enum wst_secret_label */
    bool asked;    /* somebody looked for it */
    struct wst_secret secret;
};

struct wst_keylog {
    struct wst_budget *budget;
    uint64_t seed[2];
    struct keylog_entry *entries; /* as they came; wiped when they are let go */
    uint32_t *slots;              /* open addressing; 1 + the entry's index, 0: empty */
    uint32_t mask;                /* slots less one */
    uint32_t used, lines;
    uint32_t gone; /* secrets that gave way: the number of the first one that is left */
    bool premasters;
};

static const struct {
    const char *name;
    uint8_t least, most; /* length of the secret */
} labels[WST_SECRET_LABELS] = {
    [WST_SECRET_MASTER] = {"CLIENT_RANDOM", 48, 48},
    [WST_SECRET_EARLY] = {"CLIENT_EARLY_TRAFFIC_SECRET", 32, 48},
    [WST_SECRET_CLIENT_HS] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", 32, 48},
    [WST_SECRET_SERVER_HS] = {"SERVER_HANDSHAKE_TRAFFIC_SECRET", 32, 48},
    [WST_SECRET_CLIENT] = {"CLIENT_TRAFFIC_SECRET_0", 32, 48},
    [WST_SECRET_SERVER] = {"SERVER_TRAFFIC_SECRET_0", 32, 48},
    [WST_SECRET_PREMASTER] = {"PMS_CLIENT_RANDOM", 1, WST_SECRET_MAX},
    [WST_SECRET_RSA] = {"RSA", 48, 48},
    [WST_SECRET_SESSION] = {NULL, 48, 48},
    [WST_SECRET_TICKET] = {NULL, 48, 48},
};

static void table_free(struct wst_keylog *k)
{
    size_t slots = (size_t)k->mask + 1, bytes = slots / 2 * sizeof *k->entries;
    if (!k->entries) return;
    OPENSSL_cleanse(k->entries, bytes);
    wst_budget_give(k->budget, bytes + slots * sizeof *k->slots);
    free(k->entries);
    free(k->slots);
}

struct wst_keylog *wst_keylog_new(struct wst_budget *budget, const uint64_t seed[2])
{
    struct wst_keylog *k = calloc(1, sizeof *k);
    if (!k) return NULL;
    k->budget = budget;
    memcpy(k->seed, seed, sizeof k->seed);
    return k;
}

void wst_keylog_free(struct wst_keylog *k)
{
    if (!k) return;
    table_free(k);
    free(k);
}

/* -- the table --------------------------------------------------------------------------------- */

/* The slot of the secret, or the empty one where it belongs. */
static uint32_t *keylog_slot(const struct wst_keylog *k, uint8_t label,
                             const uint8_t identity[WST_IDENTITY])
{
    uint64_t words[WST_IDENTITY / 8 + 1];
    memcpy(words, identity, WST_IDENTITY);
    words[WST_IDENTITY / 8] = label;
    uint32_t i = (uint32_t)wst_siphash13(k->seed, words, WST_IDENTITY / 8 + 1) & k->mask;
    for (; k->slots[i]; i = (i + 1) & k->mask) {
        const struct keylog_entry *e = &k->entries[k->slots[i] - 1];
        if (e->label == label && memcmp(e->identity, identity, WST_IDENTITY) == 0) break;
    }
    return &k->slots[i];
}

/* All into slots that are empty. */
static void keylog_enter(struct wst_keylog *k)
{
    for (uint32_t i = 0; i < k->used; i++)
        *keylog_slot(k, k->entries[i].label, k->entries[i].identity) = i + 1;
}

static bool keylog_grow(struct wst_keylog *k)
{
    uint32_t slots = k->entries ? (k->mask + 1) * 2 : KEYLOG_FIRST;
    struct wst_keylog more = *k;
    more.entries = wst_budget_new(k->budget, slots / 2 * sizeof *more.entries);
    if (!more.entries) return false;
    more.slots = wst_budget_new(k->budget, slots * sizeof *more.slots);
    if (!more.slots) {
        wst_budget_give(k->budget, slots / 2 * sizeof *more.entries);
        free(more.entries);
        return false;
    }
    more.mask = slots - 1;
    if (k->used) memcpy(more.entries, k->entries, k->used * sizeof *k->entries);
    keylog_enter(&more);
    table_free(k);
    *k = more;
    return true;
}

/* A quarter, so that moving the others costs each new one little. */
static void keylog_forget(struct wst_keylog *k)
{
    uint32_t n = k->used / 4;
    k->used -= n;
    k->gone += n;
    memmove(k->entries, k->entries + n, k->used * sizeof *k->entries);
    OPENSSL_cleanse(k->entries + k->used, n * sizeof *k->entries);
    memset(k->slots, 0, ((size_t)k->mask + 1) * sizeof *k->slots);
    keylog_enter(k);
}

/* Room for one more. A log that is followed for months never ends, and neither do the tickets of
 * TLS 1.2: whose secrets are the oldest has long been opened, or will not be. */
static bool keylog_reserve(struct wst_keylog *k)
{
    if (k->entries && k->used <= k->mask / 2) return true;
    if (k->used < WST_KEYLOG_MAX && keylog_grow(k)) return true;
    if (k->entries) keylog_forget(k);
    return k->entries;
}

bool wst_keylog_add(struct wst_keylog *k, enum wst_secret_label label, struct wst_slice identity,
                    struct wst_slice secret)
{
    uint8_t id[WST_IDENTITY] = {0};
    if (identity.n > sizeof id || secret.n < labels[label].least || secret.n > labels[label].most)
        return false;
    if (identity.n) memcpy(id, identity.p, identity.n);
    if (k->entries && *keylog_slot(k, (uint8_t)label, id)) return true;
    if (!keylog_reserve(k)) return false;
    struct keylog_entry *e = &k->entries[k->used];
    *e = (struct keylog_entry){.label = (uint8_t)label, .secret.n = (uint8_t)secret.n};
    memcpy(e->identity, id, sizeof id);
    memcpy(e->secret.bytes, secret.p, secret.n);
    *keylog_slot(k, e->label, id) = ++k->used;
    return true;
}

const struct wst_secret *wst_keylog_find(struct wst_keylog *k, enum wst_secret_label label,
                                         struct wst_slice identity)
{
    uint8_t id[WST_IDENTITY] = {0};
    if (!k->entries || identity.n > sizeof id) return NULL;
    if (identity.n) memcpy(id, identity.p, identity.n);
    uint32_t slot = *keylog_slot(k, (uint8_t)label, id);
    if (!slot) return NULL;
    k->entries[slot - 1].asked = true;
    return &k->entries[slot - 1].secret;
}

const struct wst_secret *wst_keylog_unasked(const struct wst_keylog *k, uint32_t i,
                                            enum wst_secret_label *label, const uint8_t **identity)
{
    if (i < k->gone || i - k->gone >= k->used) return NULL;
    const struct keylog_entry *e = &k->entries[i - k->gone];
    if (e->asked) return NULL;
    *label = (enum wst_secret_label)e->label;
    *identity = e->identity;
    return &e->secret;
}

uint32_t wst_keylog_secrets(const struct wst_keylog *k)
{
    return k->gone + k->used;
}

uint32_t wst_keylog_gone(const struct wst_keylog *k)
{
    return k->gone;
}

uint32_t wst_keylog_count(const struct wst_keylog *k)
{
    return k->lines;
}

bool wst_keylog_premasters(const struct wst_keylog *k)
{
    return k->premasters;
}

/* -- lines ------------------------------------------------------------------------------------- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = wst_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The word at the front of *line, which is left behind it and the blanks that follow. */
static struct wst_slice take_word(struct wst_slice *line)
{
    size_t n = 0;
    while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t') n++;
    struct wst_slice word = wst_slice_head(*line, n);
    while (n < line->n && (line->p[n] == ' ' || line->p[n] == '\t')) n++;
    *line = wst_slice_skip(*line, n);
    return word;
}

/* Hex digits to bytes; -1: they are not, or more than `room`. */
static int unhex(struct wst_slice hex, uint8_t *to, size_t room)
{
    if (hex.n % 2 || hex.n / 2 > room) return -1;
    for (size_t i = 0; i < hex.n / 2; i++) {
        int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);
        if (high < 0 || low < 0) return -1;
        to[i] = (uint8_t)(high << 4 | low);
    }
    return (int)(hex.n / 2);
}

static int label_of(struct wst_slice word)
{
    for (int i = 0; i < WST_SECRET_LABELS; i++)
        if (labels[i].name && wst_slice_is(word, labels[i].name)) return i;
    return -1;
}

/* "RSA Session-ID:hex Master-Key:hex", as openssl s_client once wrote it. */
static bool session_words(struct wst_slice *id, struct wst_slice *secret)
{
    if (!wst_slice_starts(*id, "Session-ID:") || !wst_slice_starts(*secret, "Master-Key:"))
        return false;
    *id = wst_slice_skip(*id, 11);
    *secret = wst_slice_skip(*secret, 11);
    return true;
}

static void keylog_line(struct wst_keylog *k, struct wst_slice line)
{
    uint8_t identity[WST_IDENTITY], secret[WST_SECRET_MAX];
    while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' ')) line.n--;
    int label = label_of(take_word(&line));
    struct wst_slice id = take_word(&line), value = take_word(&line);
    if (label < 0 || line.n) return;
    if (label == WST_SECRET_RSA && session_words(&id, &value)) label = WST_SECRET_SESSION;
    int id_n = unhex(id, identity, sizeof identity), n = unhex(value, secret, sizeof secret);
    int wanted = label == WST_SECRET_RSA ? 8 : WST_IDENTITY;
    if (n > 0 && (label == WST_SECRET_SESSION ? id_n > 0 : id_n == wanted) &&
        wst_keylog_add(k, (enum wst_secret_label)label, wst_slice_of(identity, (size_t)id_n),
                       wst_slice_of(secret, (size_t)n))) {
        k->lines++;
        if (label == WST_SECRET_RSA || label == WST_SECRET_PREMASTER) k->premasters = true;
    }
    OPENSSL_cleanse(secret, sizeof secret);
}

size_t wst_keylog_push(struct wst_keylog *k, struct wst_slice bytes, bool final)
{
    size_t done = 0;
    while (done < bytes.n) {
        struct wst_slice rest = wst_slice_skip(bytes, done);
        const uint8_t *end = memchr(rest.p, '\n', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n;
        if (!end && !final && n <= WST_KEYLOG_LINE_MAX) break;
        if (n <= WST_KEYLOG_LINE_MAX) keylog_line(k, wst_slice_head(rest, n));
        done += n + (end ? 1 : 0);
    }
    return done;
}

void wst_keylog_missing(const struct wst_keylog *k, char words[WST_KEYLOG_MISSING])
{
    words[0] = '\0';
    if (k->gone)
        snprintf(words, WST_KEYLOG_MISSING, "; %" PRIu32 " older secrets gave way to newer ones",
                 k->gone);
}

size_t wst_keylog_line(char line[WST_KEYLOG_LINE], enum wst_secret_label label,
                       const uint8_t random[WST_IDENTITY], const struct wst_secret *secret)
{
    static const char digits[] = "0123456789abcdef";
    char *at = line + sprintf(line, "%s ", labels[label].name);
    for (size_t i = 0; i < WST_IDENTITY; i++) {
        *at++ = digits[random[i] >> 4];
        *at++ = digits[random[i] & 15];
    }
    *at++ = ' ';
    for (size_t i = 0; i < secret->n; i++) {
        *at++ = digits[secret->bytes[i] >> 4];
        *at++ = digits[secret->bytes[i] & 15];
    }
    *at++ = '\n';
    *at = '\0';
    return (size_t)(at - line);
}
