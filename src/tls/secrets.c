/* SPDX-License-Identifier: MIT
 *
 * In: what a connection agreed on. Out: the keys of its epochs, from whatever of its secrets is
 * known. Refuses nothing and guesses nothing: keys that are wrong open no record.
 *
 *   TLS 1.3   client random ─▶ traffic secrets ─▶ keys
 *   before    client random ─▶ master secret │ premaster secret (log, RSA) ─▶ master secret
 *             session id or ticket, when resumed ─▶ the master secret of then     RFC 5077
 */
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>

#include "session.h"

static struct wst_slice random_of(const struct wst_tls *t)
{
    return wst_slice_of(t->client_random, sizeof t->client_random);
}

static const struct wst_secret *known(const struct wst_tls *t, const struct wst_tls_env *env,
                                      enum wst_secret_label label)
{
    return wst_keylog_find(env->keylog, label, random_of(t));
}

/* -- telling which were used ------------------------------------------------------------------- */

static void tell_secret(struct wst_tls_env *env, enum wst_secret_label label,
                        const uint8_t random[WST_IDENTITY], const struct wst_secret *secret)
{
    char line[WST_KEYLOG_LINE];
    size_t n = wst_keylog_line(line, label, random, secret);
    env->secrets(env->user, wst_slice_of(line, n));
    OPENSSL_cleanse(line, sizeof line);
}

void wst_tls_tell_secrets(struct wst_tls_env *env, const uint8_t random[WST_IDENTITY])
{
    if (!env->secrets) return;
    for (int i = WST_SECRET_EARLY; i <= WST_SECRET_SERVER; i++) {
        enum wst_secret_label label = (enum wst_secret_label)i;
        const struct wst_secret *secret =
            wst_keylog_find(env->keylog, label, wst_slice_of(random, WST_IDENTITY));
        if (secret) tell_secret(env, label, random, secret);
    }
}

/* -- TLS 1.3 ----------------------------------------------------------------------------------- */

/* False: there is a secret, but no keys come of it. */
static bool epochs_13(const struct wst_tls *t, struct wst_tls_env *env, struct wst_tls_side *side,
                      const struct wst_secret *handshake, const struct wst_secret *application)
{
    int n = 0;
    if (!application) {
        side->dead = side->keyless = true; /* nothing of it is worth reading */
        return true;
    }
    for (int i = 0; i < WST_TLS_EPOCHS; i++) { /* of a version before this one */
        wst_tls_keys_free(side->next[i]);
        side->next[i] = NULL;
    }
    if (handshake && (side->next[n] = wst_tls_keys_13(&env->crypto, t->suite, handshake)))
        side->next[n++]->application = false;
    side->next[n] = wst_tls_keys_13(&env->crypto, t->suite, application);
    return side->next[n];
}

static enum wst_tls_resolved resolve_13(struct wst_tls *t, struct wst_tls_env *env, bool final)
{
    const struct wst_secret *client = known(t, env, WST_SECRET_CLIENT),
                            *server = known(t, env, WST_SECRET_SERVER),
                            *client_hs = known(t, env, WST_SECRET_CLIENT_HS),
                            *server_hs = known(t, env, WST_SECRET_SERVER_HS);
    if (!client && !server) return WST_TLS_NO_KEY;
    /* The other may stand further on. */
    bool more = (env->keys_may_come && !final) || env->wanted;
    if (more && (!client || !server)) return WST_TLS_NO_KEY;
    if (!epochs_13(t, env, &t->side[WST_C2S], client_hs, client) ||
        !epochs_13(t, env, &t->side[WST_S2C], server_hs, server))
        return WST_TLS_UNSUPPORTED;
    if (t->early == WST_TLS_EARLY_OFFERED && (!server_hs || !server))
        t->early = WST_TLS_EARLY_UNKNOWN;
    wst_tls_tell_secrets(env, t->client_random);
    return WST_TLS_RESOLVED;
}

void wst_tls_early_keys(struct wst_tls *t, struct wst_tls_env *env)
{
    struct wst_tls_side *side = &t->side[WST_C2S];
    const struct wst_secret *secret = known(t, env, WST_SECRET_EARLY);
    struct wst_tls_keys *k =
        secret && !side->now ? wst_tls_keys_13(&env->crypto, t->suite, secret) : NULL;
    if (!k || side->next[WST_TLS_EPOCHS - 1]) {
        wst_tls_keys_free(k);
        t->early = WST_TLS_EARLY_UNKNOWN;
        return;
    }
    memmove(side->next + 1, side->next, (WST_TLS_EPOCHS - 1) * sizeof *side->next);
    side->next[0] = k;
}

/* -- before TLS 1.3 ---------------------------------------------------------------------------- */

static struct wst_tls_terms_12 terms_of(const struct wst_tls *t)
{
    return (struct wst_tls_terms_12){.suite = t->suite,
                                     .version = t->version,
                                     .etm = t->etm,
                                     .client_random = t->client_random,
                                     .server_random = t->server_random};
}

static bool premaster_to_master(struct wst_tls *t, struct wst_tls_env *env,
                                const struct wst_secret *premaster, struct wst_secret *master)
{
    struct wst_tls_terms_12 terms = terms_of(t);
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (t->extended) { /* RFC 7627 section 4; the transcript ended with the key exchange */
        if (!t->transcript || EVP_DigestFinal_ex(t->transcript, hash, &n) != 1) return false;
        EVP_MD_CTX_free(t->transcript);
        t->transcript = NULL;
    }
    return wst_tls_master(&env->crypto, &terms, wst_slice_of(premaster->bytes, premaster->n),
                          wst_slice_of(hash, n), master);
}

/* The master secret, by whatever way leads to it. */
static bool find_master(struct wst_tls *t, struct wst_tls_env *env, struct wst_secret *master)
{
    const struct wst_secret *found = known(t, env, WST_SECRET_MASTER);
    if (!found && t->premaster.n) return premaster_to_master(t, env, &t->premaster, master);
    const struct wst_secret *premaster = known(t, env, WST_SECRET_PREMASTER);
    if (!found && premaster) return premaster_to_master(t, env, premaster, master);
    if (!found && t->session_n)
        found = wst_keylog_find(env->keylog, WST_SECRET_SESSION,
                                wst_slice_of(t->session, t->session_n));
    if (!found && t->has_offered && !t->exchanged) /* a full handshake has another secret */
        found = wst_keylog_find(env->keylog, WST_SECRET_TICKET,
                                wst_slice_of(t->offered_ticket, sizeof t->offered_ticket));
    if (found) *master = *found;
    return found;
}

/* What a later connection may resume (RFC 5246 section 7.3, RFC 5077). */
static void remember(const struct wst_tls *t, struct wst_tls_env *env,
                     const struct wst_secret *master)
{
    struct wst_slice secret = wst_slice_of(master->bytes, master->n);
    if (t->session_n)
        wst_keylog_add(env->keylog, WST_SECRET_SESSION, wst_slice_of(t->session, t->session_n),
                       secret);
    if (t->has_ticket)
        wst_keylog_add(env->keylog, WST_SECRET_TICKET,
                       wst_slice_of(t->new_ticket, sizeof t->new_ticket), secret);
}

static void put_next(struct wst_tls_side *side, struct wst_tls_keys *k)
{
    wst_tls_keys_free(side->next[0]);
    side->next[0] = k;
}

static enum wst_tls_resolved resolve_12(struct wst_tls *t, struct wst_tls_env *env)
{
    struct wst_tls_terms_12 terms = terms_of(t);
    struct wst_tls_keys *keys[2];
    struct wst_secret master;
    enum wst_tls_resolved result = WST_TLS_NO_KEY;
    if (find_master(t, env, &master)) {
        result = WST_TLS_UNSUPPORTED;
        if (wst_tls_keys_12(&env->crypto, &terms, &master, keys)) {
            for (int d = 0; d < 2; d++) put_next(&t->side[d], keys[d]);
            /* A master secret to remember, so that what was learnt opens the other side's later
             * ChangeCipherSpec, and tickets that come after it. */
            wst_keylog_add(env->keylog, WST_SECRET_MASTER, random_of(t),
                           wst_slice_of(master.bytes, master.n));
            remember(t, env, &master);
            if (env->secrets) tell_secret(env, WST_SECRET_MASTER, t->client_random, &master);
            result = WST_TLS_RESOLVED;
        }
    }
    OPENSSL_cleanse(&master, sizeof master);
    return result;
}

bool wst_tls_ask(struct wst_tls_env *env)
{
    void (*wanted)(void *user) = env->wanted;
    env->wanted = NULL; /* once */
    if (wanted) wanted(env->user);
    return wanted;
}

enum wst_tls_resolved wst_tls_resolve(struct wst_tls *t, struct wst_tls_env *env, bool final)
{
    enum wst_tls_resolved found;
    if (!t->have_server) return WST_TLS_NO_KEY;
    for (int again = 0;; again++) {
        found = t->version == WST_TLS_1_3 ? resolve_13(t, env, final) : resolve_12(t, env);
        if (found != WST_TLS_NO_KEY || again || !wst_tls_ask(env)) return found;
    }
}

static bool hope(const struct wst_tls *t, const struct wst_tls_env *env)
{
    static const char rsa[] = "TLS_RSA_WITH_";
    if (env->keys_may_come || known(t, env, WST_SECRET_MASTER) ||
        known(t, env, WST_SECRET_PREMASTER))
        return true;
    if ((env->rsa_n || wst_keylog_premasters(env->keylog)) &&
        strncmp(t->suite->name, rsa, sizeof rsa - 1) == 0)
        return true;
    return (t->session_n && wst_keylog_find(env->keylog, WST_SECRET_SESSION,
                                            wst_slice_of(t->session, t->session_n))) ||
           (t->has_offered &&
            wst_keylog_find(env->keylog, WST_SECRET_TICKET, wst_slice_of(t->offered_ticket, 32)));
}

bool wst_tls_hope(const struct wst_tls *t, struct wst_tls_env *env)
{
    if (hope(t, env)) return true;
    if (!env->wanted) return false;
    void (*wanted)(void *user) = env->wanted;
    env->wanted = NULL;
    wanted(env->user);
    return hope(t, env);
}

/* -- RSA key exchange -------------------------------------------------------------------------- */

/* Nobody is asked: the library has no terminal. */
static int no_password(char *to, int room, int writing, void *user)
{
    (void)to;
    (void)room;
    (void)writing;
    (void)user;
    return -1;
}

bool wst_tls_rsa_key(struct wst_tls_env *env, struct wst_slice pem)
{
    if (env->rsa_n == WST_TLS_RSA_KEYS || pem.n > INT32_MAX) return false;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        env->rsa[env->rsa_n++] = key;
        return true;
    }
    EVP_PKEY_free(key);
    return false;
}

/* PKCS #1 v1.5 (RFC 5246 section 7.4.7.1): version, 46 random bytes. The version tells the right
 * key from a wrong one. */
static bool rsa_decrypt(EVP_PKEY *key, struct wst_slice encrypted, uint16_t version,
                        struct wst_secret *premaster)
{
    uint8_t out[1024];
    size_t n = sizeof out;
    if (EVP_PKEY_get_size(key) > (int)sizeof out) return false;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    bool done = c && EVP_PKEY_decrypt_init(c) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_decrypt(c, out, &n, encrypted.p, encrypted.n) == 1 && n == 48 &&
                wst_be16(out) == version;
    EVP_PKEY_CTX_free(c);
    if (done) {
        premaster->n = 48;
        memcpy(premaster->bytes, out, 48);
    }
    OPENSSL_cleanse(out, sizeof out);
    return done;
}

void wst_tls_premaster(struct wst_tls *t, struct wst_tls_env *env, struct wst_slice encrypted)
{
    const struct wst_secret *found =
        wst_keylog_find(env->keylog, WST_SECRET_RSA, wst_slice_head(encrypted, 8));
    if (found) t->premaster = *found;
    for (unsigned i = 0; i < env->rsa_n && !t->premaster.n; i++)
        rsa_decrypt(env->rsa[i], encrypted, t->offered_version, &t->premaster);
}

void wst_tls_forget_premaster(struct wst_tls *t)
{
    if (t->premaster.n) OPENSSL_cleanse(&t->premaster, sizeof t->premaster);
}

/* -- what is remembered on the way ------------------------------------------------------------- */

void wst_tls_digest(struct wst_tls_env *env, struct wst_slice bytes, uint8_t digest[32])
{
    memset(digest, 0, 32);
    if (!env->crypto.sha256) env->crypto.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (env->crypto.sha256) EVP_Digest(bytes.p, bytes.n, digest, NULL, env->crypto.sha256, NULL);
}

void wst_tls_learn_ticket(struct wst_tls *t, struct wst_tls_env *env, struct wst_slice ticket)
{
    wst_tls_digest(env, ticket, t->new_ticket);
    t->has_ticket = true;
    const struct wst_secret *master = known(t, env, WST_SECRET_MASTER);
    if (!master) return; /* before the keys are made */
    struct wst_secret copy = *master;
    remember(t, env, &copy);
    OPENSSL_cleanse(&copy, sizeof copy);
}

bool wst_tls_transcribes(const struct wst_tls_env *env)
{
    return env->rsa_n || wst_keylog_premasters(env->keylog);
}

/* All messages from the ClientHello to the ClientKeyExchange, whoever sent them. Which hash is
 * known only with the ServerHello; until then they are kept. */
void wst_tls_transcribe(struct wst_tls *t, struct wst_tls_env *env, struct wst_slice message)
{
    if (message.p[0] == WST_TLS_NEW_TICKET) return; /* behind it, wherever it was captured */
    if (message.p[0] == WST_TLS_CLIENT_HELLO) {
        wst_buf_free(&t->hellos, env->budget);
        EVP_MD_CTX_free(t->transcript);
        t->transcript = NULL;
    }
    if (message.p[0] == WST_TLS_CLIENT_HELLO || !t->have_server) { /* a renegotiation's, too */
        wst_buf_append(&t->hellos, env->budget, message, 2 * WST_TLS_MESSAGE);
        return;
    }
    if (!t->transcript && t->suite && t->hellos.n) {
        EVP_MD *md = EVP_MD_fetch(NULL, wst_tls_hash_name(t->suite, t->version), NULL);
        t->transcript = EVP_MD_CTX_new();
        if (md && t->transcript && EVP_DigestInit_ex(t->transcript, md, NULL) == 1)
            EVP_DigestUpdate(t->transcript, t->hellos.p, t->hellos.n);
        EVP_MD_free(md);
        wst_buf_free(&t->hellos, env->budget);
    }
    if (t->transcript && !t->exchanged) EVP_DigestUpdate(t->transcript, message.p, message.n);
}
