/* SPDX-License-Identifier: MIT
 *
 * What the tls room takes beside libcrypto alone for the same records: TLS 1.3, AES-128-GCM, one
 * direction. In turns, several rounds each; the best of each counts.
 *
 *   tls [ROUNDS]        a line for each size of record, whole and in segments of 1448 bytes;
 *                       exit status 1 when a bar is missed
 *
 *     │ hellos │ record │ record │ …     pushed      against     EVP: set IV, AAD, decrypt, verify
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls/session.h"

enum { TOTAL = 32 << 20, SEGMENT = 1448, HEAD = 5, TAG = 16 };

static const struct {
    size_t size;
    double bar; /* times EVP */
} rows[] = {{64, 2}, {256, 2}, {1400, 2}, {16384, 1.5}};

static uint8_t key[16], iv[12];

static void stop(const char *what)
{
    fprintf(stderr, "tls: %s\n", what);
    exit(2);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* -- the records ------------------------------------------------------------------------------- */

static void expand(const char *label, uint8_t *to, size_t n)
{
    uint8_t secret[32], info[64] = {0, (uint8_t)n, (uint8_t)(6 + strlen(label))}, mac[32];
    unsigned size;
    memset(secret, 0x22, sizeof secret);
    memcpy(info + 3, "tls13 ", 6);
    memcpy(info + 9, label, strlen(label));
    info[10 + strlen(label)] = 1;
    HMAC(EVP_sha256(), secret, 32, info, 11 + strlen(label), mac, &size);
    memcpy(to, mac, n);
}

static void nonce_of(uint64_t seq, uint8_t nonce[12])
{
    memcpy(nonce, iv, 12);
    for (int i = 0; i < 8; i++) nonce[11 - i] ^= (uint8_t)(seq >> (8 * i));
}

static size_t make(uint8_t *to, size_t size)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    static uint8_t plain[16385];
    size_t at = 0;
    int n;
    if (!c || EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, key, NULL) != 1) stop("libcrypto");
    memset(plain, 'x', size);
    plain[size] = 23;
    for (uint64_t seq = 0; at + HEAD + size + 1 + TAG <= TOTAL; seq++) {
        uint8_t nonce[12], *p = to + at;
        size_t body = size + 1 + TAG;
        p[0] = 23, p[1] = 3, p[2] = 3, p[3] = (uint8_t)(body >> 8), p[4] = (uint8_t)body;
        nonce_of(seq, nonce);
        EVP_EncryptInit_ex(c, NULL, NULL, NULL, nonce);
        EVP_EncryptUpdate(c, NULL, &n, p, HEAD);
        EVP_EncryptUpdate(c, p + HEAD, &n, plain, (int)size + 1);
        EVP_EncryptFinal_ex(c, p + HEAD + size + 1, &n);
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, p + HEAD + size + 1);
        at += HEAD + body;
    }
    EVP_CIPHER_CTX_free(c);
    return at;
}

/* -- one contestant ---------------------------------------------------------------------------- */

static double by_libcrypto(const uint8_t *p, size_t n)
{
    static uint8_t out[1 << 15];
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    uint64_t seq = 0;
    if (!c || EVP_DecryptInit_ex(c, EVP_aes_128_gcm(), NULL, key, NULL) != 1) stop("libcrypto");
    double begin = now();
    for (size_t at = 0; at < n; seq++) {
        const uint8_t *head = p + at;
        int body = head[3] << 8 | head[4], k;
        uint8_t nonce[12];
        nonce_of(seq, nonce);
        if (EVP_DecryptInit_ex(c, NULL, NULL, NULL, nonce) != 1 ||
            EVP_DecryptUpdate(c, NULL, &k, head, HEAD) != 1 ||
            EVP_DecryptUpdate(c, out, &k, head + HEAD, body - TAG) != 1 ||
            EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG,
                                (void *)(head + HEAD + body - TAG)) != 1 ||
            EVP_DecryptFinal_ex(c, out + k, &k) != 1)
            stop("libcrypto opens no record");
        at += HEAD + (size_t)body;
    }
    double spent = now() - begin;
    EVP_CIPHER_CTX_free(c);
    return spent;
}

static size_t opened;

static void on_plain(void *user, void *conversation, enum wst_dir dir, struct wst_slice bytes,
                     const struct wst_arrival *a)
{
    (void)user;
    (void)conversation;
    (void)dir;
    (void)a;
    opened += bytes.n;
}

static void on_problem(void *user, void *conversation, enum wst_problem problem, enum wst_dir dir,
                       bool sealed, const char *detail, const struct wst_arrival *a)
{
    (void)user;
    (void)conversation;
    (void)problem;
    (void)dir;
    (void)sealed;
    (void)a;
    stop(detail);
}

static void push(struct wst_tls *t, struct wst_tls_env *env, enum wst_dir dir, const uint8_t *p,
                 size_t n)
{
    struct wst_arrival a = {.when = {1, 1}, .from = 1};
    wst_tls_push(t, env, dir, (struct wst_slice){p, n}, &a);
}

static void hellos(struct wst_tls *t, struct wst_tls_env *env)
{
    uint8_t client[50] = {22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3},
            server[55] = {22, 3, 3, 0, 50, 2, 0, 0, 46, 3, 3};
    static const uint8_t client_tail[] = {0, 0, 2, 0x13, 1, 1, 0},
                         server_tail[] = {0, 0x13, 1, 0, 0, 6, 0, 0x2b, 0, 2, 3, 4};
    char line[256];
    int n = sprintf(line, "SERVER_TRAFFIC_SECRET_0 ");
    for (int i = 0; i < 32; i++) n += sprintf(line + n, "00");
    n += sprintf(line + n, " ");
    for (int i = 0; i < 32; i++) n += sprintf(line + n, "22");
    wst_keylog_push(env->keylog, wst_slice_of(line, (size_t)n), true);
    memcpy(client + 43, client_tail, sizeof client_tail);
    memcpy(server + 43, server_tail, sizeof server_tail);
    push(t, env, WST_C2S, client, sizeof client);
    push(t, env, WST_S2C, server, sizeof server);
}

static double by_the_room(const uint8_t *p, size_t n, size_t piece, size_t plain)
{
    struct wst_options options;
    struct wst_budget budget = {.max = 1 << 30};
    struct wst_tls_env env = {.plain = on_plain, .problem = on_problem};
    struct wst_tls t = {0};
    wst_options_init(&options);
    if (!wst_tls_env_init(&env, &options, &budget)) stop("out of memory");
    wst_tls_init(&t, NULL, 0);
    hellos(&t, &env);
    opened = 0;
    double begin = now();
    for (size_t at = 0; at < n; at += piece)
        push(&t, &env, WST_S2C, p + at, n - at < piece ? n - at : piece);
    double spent = now() - begin;
    if (opened != plain) stop("the room did not open all");
    wst_tls_free(&t, &env);
    wst_tls_env_free(&env);
    return spent;
}

/* -- all --------------------------------------------------------------------------------------- */

static double least(double a, double b)
{
    return a == 0 || b < a ? b : a;
}

static bool compare(uint8_t *wire, size_t size, double bar, int rounds)
{
    size_t n = make(wire, size), record = HEAD + size + 1 + TAG, records = n / record;
    double raw = 0, whole = 0, cut = 0;
    for (int i = 0; i < rounds; i++) {
        raw = least(raw, by_libcrypto(wire, n));
        whole = least(whole, by_the_room(wire, n, record, records * size));
        cut = least(cut, by_the_room(wire, n, SEGMENT, records * size));
    }
    bool met = whole <= bar * raw;
    printf("%7zu %10.0f %12.2f %14.2f %6.1f %s\n", size, (double)n / raw / 1e6, whole / raw,
           cut / raw, bar, met ? "met" : "MISSED");
    return met;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    uint8_t *wire = malloc(TOTAL);
    bool met = true;
    if (!wire || rounds < 1) stop("usage: tls [ROUNDS]");
    expand("key", key, sizeof key);
    expand("iv", iv, sizeof iv);
    printf("%7s %10s %12s %14s %6s\n", "bytes", "EVP MB/s", "room ÷ EVP", "in segments", "bar");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        met &= compare(wire, rows[i].size, rows[i].bar, rounds);
    free(wire);
    return met ? 0 : 1;
}
