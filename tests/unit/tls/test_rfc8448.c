/* SPDX-License-Identifier: MIT
 *
 * The traces of RFC 8448, sections 3 and 4: what both sides sent, opened with the secrets printed
 * there. Each record's tag says whether its bytes stand here as they stand there.
 */
#include "guard.h"
#include "room.h"

struct row {
    int dir;
    const char *hex;
};

/* -- section 3, a simple 1-RTT handshake ------------------------------------------------------- */

static const char simple_keys[] =
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET "
    "cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7 "
    "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21\n"
    "SERVER_HANDSHAKE_TRAFFIC_SECRET "
    "cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7 "
    "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38\n"
    "CLIENT_TRAFFIC_SECRET_0 "
    "cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7 "
    "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5\n"
    "SERVER_TRAFFIC_SECRET_0 "
    "cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7 "
    "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643\n";

static const struct row simple[] = {
    {WST_C2S,
     "16030100c4" /* ClientHello */
     "010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece70000061301130"
     "31302010000910000000b0009000006736572766572ff01000100000a00140012001d001700180019010001"
     "0101020103010400230000003300260024001d002099381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4"
     "d5413691e529aaf2c002b0003020304000d0020001e0403050306030203080408050806040105010601020104"
     "02050206020202002d00020101001c00024001"},
    {WST_S2C,
     "160303005a" /* ServerHello */
     "020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e269280013010000"
     "2e00330024001d0020c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f002b"
     "00020304"},
    {WST_S2C,
     "17030302a2" /* EncryptedExtensions, Certificate, CertificateVerify, Finished */
     "d1ff334a56f5bff6594a07cc87b580233f500f45e489e7f33af35edf7869fcf40aa40aa2b8ea73f848a7ca"
     "07612ef9f945cb960b4068905123ea78b111b429ba9191cd05d2a389280f526134aadc7fc78c4b729df828"
     "b5ecf7b13bd9aefb0e57f271585b8ea9bb355c7c79020716cfb9b1183ef3ab20e37d57a6b9d7477609aee6"
     "e122a4cf51427325250c7d0e509289444c9b3a648f1d71035d2ed65b0e3cdd0cbae8bf2d0b227812cbb360"
     "987255cc744110c453baa4fcd610928d809810e4b7ed1a8fd991f06aa6248204797e36a6a73b70a2559c09"
     "ead686945ba246ab66e5edd8044b4c6de3fcf2a89441ac66272fd8fb330ef8190579b3684596c960bd596e"
     "ea520a56a8d650f563aad27409960dca63d3e688611ea5e22f4415cf9538d51a200c27034272968a264ed6"
     "540c84838d89f72c24461aad6d26f59ecaba9acbbb317b66d902f4f292a36ac1b639c637ce343117b65962"
     "2245317b49eeda0c6258f100d7d961ffb138647e92ea330faeea6dfa31c7a84dc3bd7e1b7a6c7178af3687"
     "9018e3f252107f243d243dc7339d5684c8b0378bf30244da8c87c843f5e56eb4c5e8280a2b48052cf93b16"
     "499a66db7cca71e4599426f7d461e66f99882bd89fc50800becca62d6c74116dbd2972fda1fa80f85df881"
     "edbe5a37668936b335583b599186dc5c6918a396fa48a181d6b6fa4f9d62d513afbb992f2b992f67f8afe6"
     "7f76913fa388cb5630c8ca01e0c65d11c66a1e2ac4c85977b7c7a6999bbf10dc35ae69f5515614636c0b9b"
     "68c19ed2e31c0b3b66763038ebba42f3b38edc0399f3a9f23faa63978c317fc9fa66a73f60f0504de93b5b"
     "845e275592c12335ee340bbc4fddd502784016e4b3be7ef04dda49f4b440a30cb5d2af939828fd4ae3794e"
     "44f94df5a631ede42c1719bfdabf0253fe5175be898e750edc53370d2b"},
    {WST_C2S,
     "1703030035" /* Finished */
     "75ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44d87f38f80338ac98fc46deb384bd1c"
     "aeacab6867d726c40546"},
    {WST_S2C,
     "17030300de" /* NewSessionTicket */
     "3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d6af8f6b580dcf3d11d63c758db289a"
     "015940252f55713e061dc13e078891a38efbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4"
     "a3d03f75e09c30ba1e62972ac46f75f7b981be63439b2999ce13064615139891d5e4c5b406f16e3fc181a7"
     "7ca475840025db2f0a77f81b5ab05b94c01346755f69232c86519d86cbeeac87aac347d143f9605d64f650"
     "db4d023e70e952ca49fe5137121c74bc2697687e248746d6df353005f3bce18696129c8153556b3b6c6779"
     "b37bf15985684f"},
    {WST_C2S,
     "1703030043" /* 00 01 … 31 */
     "a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b"
     "62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4"},
    {WST_S2C,
     "1703030043"
     "2e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8"
     "fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d"},
    {WST_C2S, "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"}, /* close_notify */
    {WST_S2C, "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9"},
};

/* -- section 4, resumed with early data -------------------------------------------------------- */

static const char resumed_keys[] =
    "CLIENT_EARLY_TRAFFIC_SECRET "
    "1bc3ceb6bbe39cff938355b5a50adb6db21b7a6af649d7b4bc419d7876487d95 "
    "3fbbe6a60deb66c30a32795aba0eff7eaa10105586e7be5c09678d63b6caab62\n"
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET "
    "1bc3ceb6bbe39cff938355b5a50adb6db21b7a6af649d7b4bc419d7876487d95 "
    "2faac08f851d35fea3604fcb4de82dc62c9b164a70974d0462e27f1ab278700f\n"
    "SERVER_HANDSHAKE_TRAFFIC_SECRET "
    "1bc3ceb6bbe39cff938355b5a50adb6db21b7a6af649d7b4bc419d7876487d95 "
    "fe927ae271312e8bf0275b581c54eef020450dc4ecffaa05a1a35d27518e7803\n"
    "CLIENT_TRAFFIC_SECRET_0 "
    "1bc3ceb6bbe39cff938355b5a50adb6db21b7a6af649d7b4bc419d7876487d95 "
    "2abbf2b8e381d23dbebe1dd2a7d16a8bf484cb4950d23fb7fb7fa8547062d9a1\n"
    "SERVER_TRAFFIC_SECRET_0 "
    "1bc3ceb6bbe39cff938355b5a50adb6db21b7a6af649d7b4bc419d7876487d95 "
    "cc21f1bf8feb7dd5fa505bd9c4b468a9984d554a993dc49e6d285598fb672691\n";

static const struct row resumed[] = {
    {WST_C2S,
     "1603010200" /* ClientHello with PSK and early_data */
     "010001fc03031bc3ceb6bbe39cff938355b5a50adb6db21b7a6af649d7b4bc419d7876487d950000061301"
     "13031302010001cd0000000b0009000006736572766572ff01000100000a00140012001d00170018001901"
     "000101010201030104003300260024001d0020e4ffb68ac05f8d96c99da26698346c6be16482badddafe05"
     "1a66b4f18d668f0b002a0000002b0003020304000d0020001e040305030603020308040805080604010501"
     "060102010402050206020202002d00020101001c0002400100150057000000000000000000000000000000"
     "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000000000000002900dd00b800b22c035d829359"
     "ee5ff7af4ec900000000262a6494dc486d2c8a34cb33fa90bf1b0070ad3c498883c9367c09a2be785abc55"
     "cd226097a3a982117283f82a03a143efd3ff5dd36d64e861be7fd61d2827db279cce145077d454a3664d4e"
     "6da4d29ee03725a6a4dafcd0fc67d2aea70529513e3da2677fa5906c5b3f7d8f92f228bda40dda721470f9"
     "fbf297b5aea617646fac5c03272e970727c621a79141ef5f7de6505e5bfbc388e93343694093934ae4d357"
     "fad6aacb0021203add4fb2d8fdf822a0ca3cf7678ef5e88dae990141c5924d57bb6fa31b9e5f9d"},
    {WST_C2S, "1703030017ab1df420e75c457a7cc5d2844f76d5aee4b4edbf049be0"}, /* ABCDEF, early */
    {WST_S2C,
     "1603030060" /* ServerHello */
     "0200005c03033ccfd2dec890222763472ae8136777c9d7358777bb66e91ea5122495f559ea2d0013010000"
     "3400290002000000330024001d0020121761ee42c333e1b9e77b60dd57c2053cd94512ab47f115e86eff50"
     "942cea31002b00020304"},
    {WST_S2C,
     "1703030061" /* EncryptedExtensions, Finished */
     "dc48237b4b879f50d0d4d262ea8b4716eb40ddc1eb957e11126e8a7149c2d012d37a7115957e64ce30008b"
     "9e0323f2c05a9c1c77b4f37849a695ab255060a33fee770ca95cb8486bfd0843b87024865ca35cc41c4e51"
     "5c64dcb1369f98635bc7a5"},
    {WST_C2S, "1703030015aca6fc944841298df99593725f9bf9754429b12f09"}, /* EndOfEarlyData */
    {WST_C2S,
     "1703030035" /* Finished */
     "00f8b467d14cf22a4b3f0b6ae0d8e6cc8d08e0db3515ef5c2bdf1922eafbb70009964716d834fb70c3d2a5"
     "6c5b1f5f6bdba6c333cf"},
    {WST_C2S,
     "1703030043" /* 00 01 … 31 */
     "b1cebce242aa201be9ae5e1cb2a9aa4b33d4e866af1edb068919237741aa031d7a74d491c99b9d4e232b74"
     "206bc6fbaa04fe78be44a9b4f54320a17eb76992afac3103"},
    {WST_S2C,
     "1703030043"
     "275e9f20acff57bc000657d3867df039cccf79047884cf75771746f740b5a83f462a0954c3581393a203a2"
     "5a7dd14141ef1a37900cdb62ff62dee1ba39ab2590cbf194"},
    {WST_C2S, "17030300130facce3246bdfc6369838d6a82ae6de5d422dc"}, /* close_notify */
    {WST_S2C, "17030300135b18af444e8e1eec7158fb62d8f2577d37ba5d"},
};

/* ---------------------------------------------------------------------------------------------- */

static size_t unhex(const char *hex, uint8_t *to)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        to[i] = (uint8_t)byte;
    }
    assert_int_equal(wst_be16(to + 3) + 5, n);
    return n;
}

static void feed(struct room *r, const struct row *rows, size_t n, size_t piece)
{
    struct guard g;
    guard_init(&g, 2048);
    for (size_t i = 0; i < n; i++) {
        uint8_t record[1024];
        size_t size = unhex(rows[i].hex, record), step = piece ? piece : size;
        for (size_t at = 0; at < size; at += step) {
            size_t here = size - at < step ? size - at : step;
            room_push(r, (enum wst_dir)rows[i].dir, guard_put(&g, record + at, here).p, here);
        }
    }
    room_end(r);
    guard_free(&g);
}

static void check(const struct row *rows, size_t n, const char *keys, const char *early)
{
    for (size_t piece = 0; piece < 2; piece++) {
        struct room r;
        uint8_t said[64];
        size_t before = strlen(early), got;
        memcpy(said, early, before);
        for (uint8_t i = 0; i < 50; i++) said[before + i] = i;
        room_init(&r);
        room_keys(&r, keys);
        feed(&r, rows, n, piece);
        for (int dir = 0; dir < 2; dir++) {
            uint8_t *p = room_said(&r, (enum wst_dir)dir, &got);
            size_t skip = dir == WST_C2S ? 0 : before; /* only the client has early data */
            assert_int_equal(got, before + 50 - skip);
            assert_memory_equal(p, said + skip, got);
            free(p);
        }
        for (int i = 0; i < WST_PROBLEMS; i++) assert_int_equal(r.problems[i], 0);
        assert_int_equal(r.tls.version, WST_TLS_1_3);
        assert_string_equal(r.tls.suite->name, "TLS_AES_128_GCM_SHA256");
        assert_string_equal(r.tls.sni, "server");
        /* No record was passed over: each direction's close_notify was opened, too. */
        assert_int_equal(r.tls.side[WST_C2S].now->seq, 2);
        assert_int_equal(r.tls.side[WST_S2C].now->seq, rows == simple ? 3 : 2);
        room_free(&r);
    }
}

static void section_3(void **state)
{
    (void)state;
    check(simple, ARRAY(simple), simple_keys, "");
}

static void section_4(void **state)
{
    (void)state;
    check(resumed, ARRAY(resumed), resumed_keys, "ABCDEF");
}

/* Keys of section 3: RFC 8446 section 7.3 on the secrets that are printed with them. */
static void derivation(void **state)
{
    static const struct {
        const char *secret, *iv;
    } rows[] = {
        {"b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
         "5d313eb2671276ee13000b30"},
        {"b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
         "5bd3c71b836e0b76bb73265f"},
        {"a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
         "cf782b88dd83549aadf1e984"},
        {"3fbbe6a60deb66c30a32795aba0eff7eaa10105586e7be5c09678d63b6caab62",
         "6d475f0993c8e564610db2b9"},
        {"cc21f1bf8feb7dd5fa505bd9c4b468a9984d554a993dc49e6d285598fb672691",
         "0685d6b561aab9ef1013faf9"},
        {"2abbf2b8e381d23dbebe1dd2a7d16a8bf484cb4950d23fb7fb7fa8547062d9a1",
         "ab1aec26aa78b8fc1176b9ac"},
    };
    struct wst_tls_crypto crypto = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct wst_secret secret = {.n = 32};
        char iv[25] = "";
        for (size_t k = 0; k < 32; k++) {
            unsigned byte;
            assert_int_equal(sscanf(rows[i].secret + 2 * k, "%2x", &byte), 1);
            secret.bytes[k] = (uint8_t)byte;
        }
        struct wst_tls_keys *keys = wst_tls_keys_13(&crypto, wst_tls_suite(0x1301), &secret);
        assert_non_null(keys);
        for (size_t k = 0; k < 12; k++) sprintf(iv + 2 * k, "%02x", keys->iv[k]);
        assert_string_equal(iv, rows[i].iv);
        wst_tls_keys_free(keys);
    }
    wst_tls_crypto_free(&crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(section_3),
        cmocka_unit_test(section_4),
        cmocka_unit_test(derivation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
