/* SPDX-License-Identifier: MIT
 *
 * The door of the tls room. An input is a connection whose secrets are known, so that what lies
 * behind the tags is reached, too:
 *
 *  | terms 1 | step | step | …       terms: bit 0: secrets come late; bit 1: TLS 1.2;
 *                                           4: its hellos are not in the capture
 *  step:  | what 1 | length 2 | bytes … |
 *         what 0, 1: raw bytes of the client, the server       2, 3: `length` bytes are lost
 *              4, 5: | content type 1 | content … | sealed as that side's next record
 *              6, 7: that side's later records are sealed with the next generation of keys
 *              8: key-log lines                                 9: the capture time goes on
 *
 * Both hellos come first, made here, or never. Said whole and said by the byte, a connection without losses
 * is the same.
 */
#include "tls/session.h"

#include <openssl/hmac.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct said {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_tls_env env;
    struct wst_tls tls;
    struct wst_arrival arrival;
    uint64_t sum[2], bytes[2];
    bool lossy, sealed;
};

static uint8_t out[1 << 17]; /* a record being made */

/* -- what the room says ------------------------------------------------------------------------ */

static void on_plain(void *user, void *conversation, enum wst_dir dir, struct wst_slice bytes,
                     const struct wst_arrival *a)
{
    struct said *s = user;
    (void)conversation;
    if (!bytes.n || bytes.n > WST_TLS_RECORD || a->from > a->when.pkt) abort();
    for (size_t i = 0; i < bytes.n; i++) s->sum[dir] = (s->sum[dir] ^ bytes.p[i]) * 1099511628211u;
    s->bytes[dir] += bytes.n;
}

static void on_lost(void *user, void *conversation, enum wst_dir dir, uint64_t bytes, bool exact,
                    const struct wst_arrival *a)
{
    struct said *s = user;
    (void)conversation;
    (void)dir;
    (void)a;
    if (exact && !bytes) abort();
    s->lossy = true;
}

static void on_problem(void *user, void *conversation, enum wst_problem problem, enum wst_dir dir,
                       bool sealed, const char *detail, const struct wst_arrival *a)
{
    struct said *s = user;
    (void)conversation;
    (void)problem;
    (void)dir;
    (void)a;
    for (const char *p = detail; *p; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p > '~') abort();
    if (s->sealed && sealed) abort(); /* one note */
    s->sealed |= sealed;
}

/* -- the endpoints ----------------------------------------------------------------------------- */

struct writer { /* seals one side's records, TLS 1.3 with AES-128-GCM */
    uint8_t secret[32], key[16], iv[12];
    uint64_t seq;
};

static void expand(const uint8_t secret[32], const char *label, uint8_t *to, size_t n)
{
    uint8_t info[64] = {0, (uint8_t)n, (uint8_t)(6 + strlen(label))}, mac[32];
    unsigned size;
    size_t at = 3;
    memcpy(info + at, "tls13 ", 6);
    memcpy(info + at + 6, label, strlen(label));
    at += 6 + strlen(label) + 1; /* and an empty context */
    info[at++] = 1;              /* the first block of HKDF-Expand is enough */
    HMAC(EVP_sha256(), secret, 32, info, at, mac, &size);
    memcpy(to, mac, n);
}

static void writer_init(struct writer *w, uint8_t fill)
{
    memset(w, 0, sizeof *w);
    memset(w->secret, fill, sizeof w->secret);
    expand(w->secret, "key", w->key, 16);
    expand(w->secret, "iv", w->iv, 12);
}

static void writer_next(struct writer *w)
{
    uint8_t next[32];
    expand(w->secret, "traffic upd", next, 32);
    memcpy(w->secret, next, 32);
    expand(w->secret, "key", w->key, 16);
    expand(w->secret, "iv", w->iv, 12);
    w->seq = 0;
}

/* Seals type and content as a record in `out`; its length. */
static size_t seal(struct writer *w, const uint8_t *p, size_t n)
{
    uint8_t nonce[12];
    int k = 0, sealed;
    if (n > 16385) n = 16385;
    size_t body = n + 16;
    out[0] = 23, out[1] = 3, out[2] = 3, out[3] = (uint8_t)(body >> 8), out[4] = (uint8_t)body;
    memcpy(nonce, w->iv, 12);
    for (int i = 0; i < 8; i++) nonce[11 - i] ^= (uint8_t)(w->seq >> (8 * i));
    w->seq++;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    if (!c || EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, w->key, nonce) != 1) abort();
    EVP_EncryptUpdate(c, NULL, &k, out, 5);
    EVP_EncryptUpdate(c, out + 5, &sealed, p + 1, (int)n - 1); /* content, then its type */
    EVP_EncryptUpdate(c, out + 5 + sealed, &k, p, 1);
    EVP_EncryptFinal_ex(c, out + 5 + n, &k);
    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, out + 5 + n);
    EVP_CIPHER_CTX_free(c);
    return 5 + body;
}

static void push(struct said *s, enum wst_dir dir, const uint8_t *p, size_t n, size_t piece)
{
    for (size_t at = 0; at < n; at += piece) {
        size_t k = n - at < piece ? n - at : piece;
        uint8_t *exact = malloc(k);
        if (!exact) return;
        memcpy(exact, p + at, k);
        wst_tls_push(&s->tls, &s->env, dir, (struct wst_slice){exact, k}, &s->arrival);
        free(exact);
    }
}

static void hellos(struct said *s, bool old, size_t piece)
{
    static const uint8_t tail[] = {0, 0, 2, 0x13, 1, 1, 0}, server_tail[] = {0, 0x13, 1, 0};
    static const uint8_t version[] = {0, 6, 0, 0x2b, 0, 2, 3, 4};
    uint8_t hello[128] = {22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3};
    memset(hello + 11, 'R', 32);
    memcpy(hello + 43, tail, sizeof tail);
    push(s, WST_C2S, hello, 50, piece);
    size_t extensions = old ? 0 : sizeof version;
    uint8_t answer[128] = {
        22, 3, 3, 0, (uint8_t)(42 + extensions), 2, 0, 0, (uint8_t)(38 + extensions), 3, 3};
    memset(answer + 11, 'S', 32);
    memcpy(answer + 43, server_tail, sizeof server_tail);
    if (old) answer[44] = 0xc0, answer[45] = 0x2f;
    memcpy(answer + 47, version, extensions);
    push(s, WST_S2C, answer, 47 + extensions, piece);
}

static void keys(struct said *s, bool old)
{
    static const char *const labels[] = {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0",
                                         "CLIENT_RANDOM"};
    char line[512];
    for (int i = old ? 2 : 0; i < (old ? 3 : 2); i++) {
        int n = snprintf(line, sizeof line, "%s ", labels[i]);
        for (int k = 0; k < 32; k++) n += sprintf(line + n, "%02x", 'R');
        n += sprintf(line + n, " ");
        for (int k = 0; k < (old ? 48 : 32); k++) n += sprintf(line + n, "%02x", 0x11 * (i + 1));
        n += sprintf(line + n, "\n");
        wst_keylog_push(s->env.keylog, wst_slice_of(line, (size_t)n), true);
    }
    wst_tls_wake(&s->tls, &s->env, &s->arrival);
}

/* -- one connection ---------------------------------------------------------------------------- */

static void said_init(struct said *s, uint8_t terms)
{
    memset(s, 0, sizeof *s);
    wst_options_init(&s->options);
    s->options.hash_seed[0] = 1;
    s->options.limits.tls_wait = 1 << 15;
    s->budget.max = 1 << 20;
    s->env =
        (struct wst_tls_env){.user = s, .plain = on_plain, .lost = on_lost, .problem = on_problem};
    s->env.keys_may_come = terms & 1;
    if (!wst_tls_env_init(&s->env, &s->options, &s->budget)) abort();
    wst_tls_init(&s->tls, s, 0);
    s->arrival = (struct wst_arrival){.when = {1, 1}, .from = 1};
}

/* False: a loss, so nothing can be compared. */
static bool step(struct said *s, struct writer writers[2], uint8_t what, struct wst_slice b,
                 size_t length, size_t piece)
{
    s->arrival.when.pkt++;
    s->arrival.when.ns++;
    s->arrival.from = s->arrival.when.pkt;
    enum wst_dir dir = what & 1 ? WST_S2C : WST_C2S;
    switch (what) {
    case 0:
    case 1: push(s, dir, b.p, b.n, piece); return true;
    case 2:
    case 3: wst_tls_gap(&s->tls, &s->env, dir, length, &s->arrival); return false;
    case 4:
    case 5:
        if (b.n) push(s, dir, out, seal(&writers[dir], b.p, b.n), piece);
        return true;
    case 6:
    case 7: writer_next(&writers[dir]); return true;
    case 8:
        wst_keylog_push(s->env.keylog, b, true);
        wst_tls_wake(&s->tls, &s->env, &s->arrival);
        return true;
    case 9: s->arrival.when.ns += (int64_t)length * 1000000; return true;
    default: return true;
    }
}

/* False: it cannot be compared with another run. */
static bool run(struct said *s, const uint8_t *data, size_t size, size_t piece)
{
    struct writer writers[2];
    bool whole = true, old = data[0] & 2;
    writer_init(&writers[0], 0x11);
    writer_init(&writers[1], 0x22);
    said_init(s, data[0]);
    if (!(data[0] & 1)) keys(s, old);
    if (data[0] != 4)
        hellos(s, old, piece);
    else if (wst_tls_midst_hope(&s->env))
        wst_tls_midst(&s->tls);
    else
        abort();
    for (size_t at = 1; at + 3 <= size;) {
        uint8_t what = data[at];
        size_t n = wst_be16(data + at + 1), left = size - at - 3;
        at += 3;
        size_t taken = what == 2 || what == 3 || what == 9 ? 0 : n < left ? n : left;
        whole &= step(s, writers, what, (struct wst_slice){data + at, taken}, n, piece);
        at += taken;
    }
    if (data[0] & 1) keys(s, old);
    wst_tls_end(&s->tls, &s->env, (enum wst_dir)(data[0] % 3) - 1, data[0] & 4, &s->arrival);
    wst_tls_free(&s->tls, &s->env);
    wst_tls_env_free(&s->env);
    if (s->budget.used) abort();
    return whole && !s->lossy && !s->sealed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct said a, b;
    if (size < 1 || size > 1 << 16) return 0;
    bool whole = run(&a, data, size, SIZE_MAX / 2), bytes = run(&b, data, size, 1);
    if (whole && bytes &&
        (memcmp(a.sum, b.sum, sizeof a.sum) != 0 || memcmp(a.bytes, b.bytes, sizeof a.bytes) != 0))
        abort();
    return 0;
}
