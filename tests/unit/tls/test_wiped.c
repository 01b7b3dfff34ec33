/* SPDX-License-Identifier: MIT
 *
 * Secrets do not stay behind: whatever the room gives back, here or inside libcrypto, is searched
 * for each secret of the key log, for the record keys that come of them, and for what the room has
 * itself. The linker hands every free() and realloc() of this program to us.
 */
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>

#include "peers.h"
#include "room.h"

void __real_free(void *p);
void __wrap_free(void *p);
void *__wrap_realloc(void *p, size_t n);

static struct {
    volatile bool on; /* a compiler knows that free() looks at nothing here */
    struct needle {
        uint8_t bytes[48];
        size_t n;
    } needles[64];
    size_t needles_n;
    unsigned blocks, found;
} watch;

static void look_at(const void *p, size_t n)
{
    watch.blocks++;
    for (size_t i = 0; i < watch.needles_n; i++)
        watch.found += memmem(p, n, watch.needles[i].bytes, watch.needles[i].n) != NULL;
}

void __wrap_free(void *p)
{
    if (p && watch.on) look_at(p, malloc_usable_size(p));
    __real_free(p);
}

/* Always moves, so that what is left behind is seen. */
void *__wrap_realloc(void *p, size_t n)
{
    size_t old = p ? malloc_usable_size(p) : 0;
    void *to = malloc(n ? n : 1);
    if (to && p) memcpy(to, p, old < n ? old : n);
    if (to) __wrap_free(p);
    return to;
}

static void *crypto_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(n);
}
static void *crypto_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return __wrap_realloc(p, n);
}
static void crypto_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    __wrap_free(p);
}

/* -- what is looked for ------------------------------------------------------------------------ */

static void look_for(const void *p, size_t n)
{
    assert_true(watch.needles_n < ARRAY(watch.needles) && n <= 48);
    memcpy(watch.needles[watch.needles_n].bytes, p, n);
    watch.needles[watch.needles_n++].n = n;
}

/* The record key of a traffic secret: HKDF-Expand-Label(secret, "key", "", n), RFC 8446 section
 * 7.3. */
static void look_for_key(const uint8_t *secret, size_t secret_n, size_t n)
{
    uint8_t info[] = {0, (uint8_t)n, 9, 't', 'l', 's', '1', '3', ' ', 'k', 'e', 'y', 0}, key[32];
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    assert_true(c && EVP_PKEY_derive_init(c) > 0 &&
                EVP_PKEY_CTX_set_hkdf_mode(c, EVP_PKEY_HKDEF_MODE_EXPAND_ONLY) > 0 &&
                EVP_PKEY_CTX_set_hkdf_md(c, secret_n == 48 ? EVP_sha384() : EVP_sha256()) > 0 &&
                EVP_PKEY_CTX_set1_hkdf_key(c, secret, (int)secret_n) > 0 &&
                EVP_PKEY_CTX_add1_hkdf_info(c, info, sizeof info) > 0 &&
                EVP_PKEY_derive(c, key, &n) > 0);
    EVP_PKEY_CTX_free(c);
    look_for(key, n);
}

static void look_for_log(const char *lines, size_t key_n)
{
    for (const char *line = lines; *line; line = strchr(line, '\n') + 1) {
        const char *hex = strchr(strchr(line, ' ') + 1, ' ') + 1;
        uint8_t secret[48];
        size_t n = 0;
        for (; hex[0] != '\n' && n < sizeof secret; hex += 2, n++) {
            char two[3] = {hex[0], hex[1], 0};
            secret[n] = (uint8_t)strtoul(two, NULL, 16);
        }
        look_for(secret, n);
        if (strstr(line, "TRAFFIC_SECRET") && key_n) look_for_key(secret, n, key_n);
    }
}

/* What the room has made of them by now. */
static void look_for_keys(const struct wst_tls *t)
{
    for (int d = 0; d < 2; d++) {
        const struct wst_tls_keys *k = t->side[d].now;
        if (!k || k->secret.n == 0) continue; /* before TLS 1.3 an IV is no secret, or zeros */
        look_for(k->iv, 12);
        look_for(k->secret.bytes, k->secret.n);
    }
}

/* -- the tests --------------------------------------------------------------------------------- */

static const struct {
    struct peers_terms terms;
    size_t key_n; /* of TLS 1.3 */
} all[] = {
    {{.name = "1.3 GCM", .version = TLS1_3_VERSION, .cipher = "TLS_AES_128_GCM_SHA256"}, 16},
    {{.name = "1.3 ChaCha20 and key updates",
      .version = TLS1_3_VERSION,
      .cipher = "TLS_CHACHA20_POLY1305_SHA256",
      .updates = true},
     32},
    {{.name = "1.3 GCM-256, early data",
      .version = TLS1_3_VERSION,
      .cipher = "TLS_AES_256_GCM_SHA384",
      .resume = true,
      .early = PEERS_EARLY},
     32},
    {{.name = "1.2 GCM", .version = TLS1_2_VERSION, .cipher = "ECDHE-RSA-AES128-GCM-SHA256"}, 0},
    {{.name = "1.2 CBC, session id",
      .version = TLS1_2_VERSION,
      .cipher = "ECDHE-RSA-AES128-SHA",
      .resume = true,
      .no_tickets = true},
     0},
};

static void hear(struct room *r, const struct peers_talk *t)
{
    for (size_t i = 0; i < t->chunks_n; i++)
        room_push(r, (enum wst_dir)t->chunks[i].dir, t->wire.p + t->chunks[i].at, t->chunks[i].n);
}

/* Many secrets of others make the table of secrets grow: what was in the smaller one is wiped. */
static void crowd(struct room *r)
{
    char line[256], secret[97];
    memset(secret, 'e', 96);
    secret[96] = '\0';
    for (int i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "CLIENT_RANDOM %064x %s\n", i, secret);
        room_keys(r, line);
    }
}

static void nothing_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        struct peers_talk talk[2];
        struct room r;
        peers_talk(&all[i].terms, talk);
        const struct peers_talk *t = &talk[all[i].terms.resume];
        watch.needles_n = watch.blocks = watch.found = 0;
        look_for_log((const char *)t->keylog.p, all[i].key_n);
        assert_true(watch.needles_n > 0);
        room_init(&r);
        watch.on = true;
        room_keys(&r, (const char *)t->keylog.p);
        crowd(&r);
        hear(&r, &talk[0]);
        look_for_keys(&r.tls);
        if (all[i].terms.resume) {
            room_again(&r);
            hear(&r, t);
            look_for_keys(&r.tls);
        }
        size_t said = r.n;
        room_free(&r);
        watch.on = false;
        assert_true(said > 0 && watch.blocks > 10);
        if (watch.found) fail_msg("%s: %u secrets stay", all[i].terms.name, watch.found);
        for (size_t k = 0; k < watch.needles_n; k++)
            assert_null(memmem(&r.tls, sizeof r.tls, watch.needles[k].bytes, watch.needles[k].n));
        for (int k = 0; k <= all[i].terms.resume; k++) peers_free(&talk[k]);
    }
}

/* That the search finds what is there. */
static void search_finds(void **state)
{
    (void)state;
    char *p = strdup("a key that nobody has wiped");
    watch.needles_n = watch.found = 0;
    look_for("nobody", 6);
    watch.on = true;
    free(p);
    watch.on = false;
    assert_int_equal(watch.found, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_finds),
        cmocka_unit_test(nothing_stays),
    };
    /* Before libcrypto has taken any memory. */
    if (!CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free)) return 1;
    return cmocka_run_group_tests(tests, NULL, peers_teardown);
}
