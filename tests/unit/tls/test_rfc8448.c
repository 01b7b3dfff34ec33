/* SPDX-License-Identifier: MIT
 *
 * The traces of RFC 8448, sections 3 to 7: what both sides sent, opened with the secrets printed
 * there. Each record's tag says whether its bytes stand here as they stand there.
 */
#include "guard.h"
#include "room.h"

struct row {
    int dir;
    const char *hex;
};

#define KEYS(random, c_hs, s_hs, c_ap, s_ap)                \
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET " random " " c_hs "\n" \
    "SERVER_HANDSHAKE_TRAFFIC_SECRET " random " " s_hs "\n" \
    "CLIENT_TRAFFIC_SECRET_0 " random " " c_ap "\n"         \
    "SERVER_TRAFFIC_SECRET_0 " random " " s_ap "\n"

/* -- section 3, a simple 1-RTT handshake ------------------------------------------------------- */

static const char simple_keys[] =
    KEYS("cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7",
         "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
         "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
         "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
         "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");

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
    "3fbbe6a60deb66c30a32795aba0eff7eaa10105586e7be5c09678d63b6caab62\n" KEYS(
        "1bc3ceb6bbe39cff938355b5a50adb6db21b7a6af649d7b4bc419d7876487d95",
        "2faac08f851d35fea3604fcb4de82dc62c9b164a70974d0462e27f1ab278700f",
        "fe927ae271312e8bf0275b581c54eef020450dc4ecffaa05a1a35d27518e7803",
        "2abbf2b8e381d23dbebe1dd2a7d16a8bf484cb4950d23fb7fb7fa8547062d9a1",
        "cc21f1bf8feb7dd5fa505bd9c4b468a9984d554a993dc49e6d285598fb672691");

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

/* -- section 5, HelloRetryRequest -------------------------------------------------------------- */

static const char retried_keys[] =
    KEYS("b0b1c5a5aa37c5919f2ed1d5c6fff7fcb7849716945a2b8cee9258a346677b6f",
         "158aa7ab8855073582b41d674b4055cabcc534728f659314861b4e08e2011566",
         "3403e781e2af7b6508da28574f6e95a1abf162de83a97927c37672a4a0cef8a1",
         "75ecf4b972525aa0dcd057c9944d4cd5d82671d8843141d7dc2a4ff15a21dc51",
         "5c74f87df04225db0f8209c9de6429e49435fdefa7cad61864874d12f31cfc8d");

static const struct row retried[] = {
    {WST_C2S,
     "16030100b4" /* ClientHello */
     "010000b00303b0b1c5a5aa37c5919f2ed1d5c6fff7fcb7849716945a2b8cee9258a346677b6f0000061301"
     "13031302010000810000000b0009000006736572766572ff01000100000a00080006001d00170018003300"
     "260024001d0020e8e8e3f3b93a25ed97a14a7dcacb8a272c6288e585c6484d05262fcad062ad1f002b0003"
     "020304000d0020001e040305030603020308040805080604010501060102010402050206020202002d0002"
     "0101001c00024001"},
    {WST_S2C,
     "16030300b0" /* HelloRetryRequest */
     "020000ac0303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c0013010000"
     "84003300020017002c0074007271dcd04bb88bc3189119398a00000000eefafc76c146b823b096f8aacad3"
     "65dd0030953f4edf625636e5f21bb2e23fcc654b1b5b40318d10d137abcbb87574e36e8a1f025f7dfa5d6e"
     "50781b5eda4aa15b0c8be778257d16aa3030e9e7841dd9e4c0342267e8ca0caf571fb2b7cff0f934b0002b"
     "00020304"},
    {WST_C2S,
     "1603030200" /* ClientHello with another key share, and the cookie */
     "010001fc0303b0b1c5a5aa37c5919f2ed1d5c6fff7fcb7849716945a2b8cee9258a346677b6f0000061301"
     "13031302010001cd0000000b0009000006736572766572ff01000100000a00080006001d00170018003300"
     "4700450017004104a6da7392ec591e17abfd535964b99894d13befb221b3def2ebe3830eac8f0151812677"
     "c4d6d2237e85cf01d6910cfb83954e76ba7352830534159897e8065780002b0003020304000d0020001e04"
     "0305030603020308040805080604010501060102010402050206020202002c0074007271dcd04bb88bc318"
     "9119398a00000000eefafc76c146b823b096f8aacad365dd0030953f4edf625636e5f21bb2e23fcc654b1b"
     "5b40318d10d137abcbb87574e36e8a1f025f7dfa5d6e50781b5eda4aa15b0c8be778257d16aa3030e9e784"
     "1dd9e4c0342267e8ca0caf571fb2b7cff0f934b0002d00020101001c00024001001500af00000000000000"
     "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000000000000000000000000000000000000000000"},
    {WST_S2C,
     "160303007b" /* ServerHello */
     "020000770303bb341d847fd789c47c387172dc0c9bf147fccacb5043d86ca4c598d3ff571b980013010000"
     "4f003300450017004104583e054b7a66672ae020ad9d2686fcc85b5ad41a134a0f03ee72b893052bd85b4c"
     "8de6776f5b04ac07d83540eab3e3d9c547bc6528c4317d294686093a6cad7d002b00020304"},
    {WST_S2C,
     "1703030296" /* EncryptedExtensions, Certificate, CertificateVerify, Finished */
     "99bee20baf5b7fc727bfab6223928a381e6d0cf9c4da653f9d2a7b23f7de11cce842d5cf75631763450ffb"
     "8b0cc1d238e658af7a12adc86243114ab14a1da2fae42621ce483fb6242eabfaad52566b02b31d2eddedef"
     "eb80e66a9900d5f973b40c4fdf74719ecf1b68d7f9c3b6ceb903ca13dd1bb8f8187ae33417e1d152522c58"
     "22a1a03ad52c838c55953d610222874cce8e1790b229a2aa0b53c8d377ee720182951dc6181dc5d90bd1f0"
     "105ed1e84aa5f75957c6661897079e5ea5007449e3197bdc7c9beeedddeafdd844afa5c315ecfe65e576af"
     "e909812880620ec7048b42d7f5c78d76f299d6d82534bdd8f512febc0ed3814aca470cd8000d3e1cb9962b"
     "052fbb950df683a52c2ba77ed3713b122937a6e5170964e2ab7969dcd980b3db9b458da7603124d6dc005e"
     "4d6e04b4d0c4baf3275db827dbba0a6db09672171fc057b3851d7e026841e2978fbd2346bbefdd0376bb11"
     "08fe9acc92189f5650aa5e85d8e8c7b67ac510dba003d3d7e16350bb66d45013efd44c9b607c0d318c4c7d"
     "1a1f5cbc57e20611804e3787d7b4a4b5f08ed8fd70bdaeade02260b12ab842ef690b4a3ee7911e841b374e"
     "cd5ebbbc2a54d047b600336dd7d0c88b4bc10e58ee6cb656de7247fa20d8e91deb84628608cf80615b62e9"
     "6c1491c7ac3755eb6901405d3474fe1ac79d106a0cee56c2577fc88480f96cb6b8c681b7b68b53c1460939"
     "08f350888175bdfb0b1e31ad61e30ba0adfe6d223aa03c0783b5001a57587c328a9afcfcfb978d1cd4328f"
     "7d9d60530e630befd96c0c816ee20b0100768ae2a6df51fc68f172740a79af11398ee3be1252491fa9c693"
     "479e877f94ab7c5f8cad480203e6ab7b87dd71e8a0729113df17f5eee86ce108d1d72007ec1cd13c85a6c1"
     "49621e77b7d78d805a30f0be030c315e54"},
    {WST_C2S,
     "1703030035" /* Finished */
     "d74f1923c662fd34137c6f502f3dd2b93d951d1b3bc97e42afe23c31abea92fe91b474999e85e3b791ce25"
     "2fe8c3e9f939a4120cb2"},
    {WST_C2S, "17030300132ea6cdf749196023e2b3a49491695536426047"}, /* close_notify */
    {WST_S2C, "1703030013519fc5075cb0884349759ff9ef6f011bb4c6f2"},
};

/* -- section 6, the client has a certificate, too ---------------------------------------------- */

static const char certified_keys[] =
    KEYS("6a472236328b83af40386d3a3e1f1ce624fa4ed89ab865a4ff0f4144ce3ae233",
         "cec7a30c6872070f22a7eeb065768db67c45e29533db879908ce6dc66f5911de",
         "8b02d3c00442a2722c4098ebe8675b23e801510f0d7ed778d8eb0b8f42a19a5e",
         "73c2e890fa8d067258d6d50fa92fe456b098cf00d9727eed91e8892ef4e6f860",
         "c49a91faf57f8c545d5048a015bf849ff63942e4a7edcd319f8b438a97c52e21");

static const struct row certified[] = {
    {WST_C2S,
     "16030100c0" /* ClientHello */
     "010000bc03036a472236328b83af40386d3a3e1f1ce624fa4ed89ab865a4ff0f4144ce3ae2330000061301"
     "130313020100008d0000000b0009000006736572766572ff01000100000a00140012001d00170018001901"
     "000101010201030104003300260024001d0020089cc2671f738d9a671e5b2e464981d05b76e361aa22aea9"
     "1f1d49ca10a7a362002b0003020304000d0020001e04030503060302030804080508060401050106010201"
     "0402050206020202002d00020101001c00024001"},
    {WST_S2C,
     "160303005a" /* ServerHello */
     "0200005603033b50fdf1c3d572e40e68953e7fff4e2758459c59afa0582c0ea032874255fe6e0013010000"
     "2e00330024001d00206c2e50e865919a6b5a12dfaf918f92b442567b0f89bc54478c6921366658f062002b"
     "00020304"},
    {WST_S2C,
     "1703030216" /* EncryptedExtensions, CertificateRequest, Certificate, …Verify, Finished */
     "6d0a7ac079b32a94aa68c4e2893e8bd0d3c185f549c236fbbce3d647f08f3c94a2bf424d8708883605ad89"
     "55f97718b0213dead13dfb23ebb8381da582756612bcb5a5d40847719fbe9f179bfae656f3ecfd59a4c0d3"
     "5132ce418a7e46f6b6a60622f8a6c06b28d83360163563be9c37f97eb902326924a72b3ed8c8381277d158"
     "1cab9c3715ac2401398467ad7ebfab3d0c3419e750104f7d62c5027901f2e4cd4ca5b8071eb03d3c732d83"
     "215066dfc4d291d4c1ff3b8d7e4298f677d4d51dea1168d8f16cb27ba40266313a1fedf9e23cc77f765450"
     "f9e96f05d08f3da245b14d4946f07ec81eed6d56f26bd574f0b7f7c7047037c16fce3b23754e662fad73e2"
     "b7213f6af296769c99a1d38e6232e0ec8dc4f84d6aa6f7de3887be0057862f9018e0ab396705aa4090ab5f"
     "2dff6325a557e7320d4effd46bb4f997d163207cce6665294aa4465541e3fe37ee7350659ea550d6dcb6af"
     "3c518852c7a14c3cc15bc32b3273bdf1751da184203135b117d300204fb12d58ca9ac34b68eca27030832f"
     "7a4b46d2a55757f63fe8f6e85ac47469e6198da88a64586bf23c69590de822263be75fd836847240c48f8c"
     "145cd6bd698962e7edc234ebe59231351eef8d7652cf3b08ab3af6e5ec74c58a8da34b39f9b0d6c4279a9a"
     "1f82071729e7059dd7f7b95b9433c4684ce1891a6d33432d52eddb0b8cee9181d403eccc12991f1ad4aa62"
     "c36049713a7bb135fdda6661a05a93f8c16f"},
    {WST_C2S,
     "1703030280" /* Certificate, CertificateVerify, Finished */
     "b46a63934e673841abaf267403bc677f6b6d2a1e2f12bb5f62683bfe36a82673f06d6287ddd609bcf2f5fd"
     "3225923d24af3c76682c180ee571a17ca4bfbe2f510dc9a0e1fca5cff2cee87d11cb531a6ef90bf5309a6b"
     "63bbbc0b88ea45103a4304091543859fa11ec032ed873444cd5185ead5f6a76420f0f0286acef802c8e478"
     "8c23275f1b06da600f4a7decd0bc59d7bef10e649ae32690397fc3d4ed6f30f801d8cd569b71ad4fa05ea7"
     "cf2ac2dfa150d220505d4011b34d09d53853eba61a101e4f8dca47d8171a884b19259a3dd48c5ac141983e"
     "dc77814d25e7f66bbbdb9096839266e06561828ecfb27eafd4e9e81a0b96e3bfa42dae5ad80359b9a66614"
     "02c3a2104177030106dbd8f65bb6a0159d512eb13af22a259f313bd58c2e21fe053d57f2a962b0a4ea682c"
     "96f70b79b560136192823b27be6a2fb7b1c751ccc0e3303615541485b7b307b423332c11efa80b72f9b80a"
     "53e53f7bb38a3af4c59f8008bad0544e5614e688ff57bccd6935f81f447f420c1c1bf4058818e90bf5dc71"
     "6ccae42524856df8250bcdbd7af65f82dd53061d024f6d2ff5c11e3792a9a70e0ee2a3c20a1b968ac391f8"
     "f92831135d25242ada2fe241c2653ec996339dfa12dfae7a3373df88b07ca27aef6dc266a25f13f75c7603"
     "9c1f46fd7a53ae6399c999f4b2aee18e480d6d12bfae226bbdc92a6ad50b4d3bac7abc3b3651eb5be56f33"
     "bf41127b3ca886dc714a50d1490357bd40d9fd6be42209a4ddb9ebb2987e29f120f05814614d2c79320015"
     "b461fe7324447670a1af5f65caed15b474ab7faa495016adf808e53b94ef54afbb0e0a3a2732ab597f7d59"
     "23c77386aa5124731f8cc73e703b341c175a454939a77ab64313c15cf3fe03c4f33842564976"},
    {WST_C2S, "1703030013e4ad7d44c29245339d355962c779b89ef44c58"}, /* close_notify */
    {WST_S2C, "17030300131decc5d6e64bba8a6f21b4fd077497da2a90cb"},
};

/* -- section 7, compatibility mode ------------------------------------------------------------- */

static const char disguised_keys[] =
    KEYS("4e640a3f2c2738f09c9418bd78edccd7559d0531199276d4d92a0e9ee9d77d09",
         "2c3cb24a1081edb59518ee6861e89a6b72b3801afe7713e4cbbc21c0795bf831",
         "cace3d555cc1c577cf970cff28cf978d6a9800085442e18d695b50f3151d18c8",
         "743e4c6b56cf3909d1b06d01956ccd2c4b37758449aec41d98dae44924eaa299",
         "b6b8144aa335ed3059c0c9c8f0ecabf7afc94af6643bdecdfd9210188fab7451");

static const struct row disguised[] = {
    {WST_C2S,
     "16030100e0" /* ClientHello with a session id */
     "010000dc03034e640a3f2c2738f09c9418bd78edccd7559d0531199276d4d92a0e9ee9d77d0920a80c1655"
     "81a8e0d06c0018d54d3a06dd32cfd4051eb026fad3fd0ba99269e6ef00061301130313020100008d000000"
     "0b0009000006736572766572ff01000100000a00140012001d001700180019010001010102010301040033"
     "00260024001d00208e7292cf3056dbb0d25fcbe55c107dc9bbf83dd9708f39203ba341249a7d9b63002b00"
     "03020304000d0020001e040305030603020308040805080604010501060102010402050206020202002d00"
     "020101001c00024001"},
    {WST_S2C,
     "160303007a" /* ServerHello */
     "020000760303e5dd5948c435f7a38f0f0130708dc322d9df09abd4838117c183a7bb6d994f2c20a80c1655"
     "81a8e0d06c0018d54d3a06dd32cfd4051eb026fad3fd0ba99269e6ef130100002e00330024001d00203e30"
     "f0f4ba551afd62768341175f5265e4daf0c8841617aa4fafdd2142320c22002b00020304"},
    {WST_S2C, "140303000101"}, /* change_cipher_spec */
    {WST_S2C,
     "17030302a2" /* EncryptedExtensions, Certificate, CertificateVerify, Finished */
     "48de891d9c3624a67a6c6f0601ab7ac20c1f6a9e14d2e6007e999e130367a8af1bcfea9498fbce19df4505"
     "eece3a25da523cbe55ea1b3bda4e91995e455d500a4faa6227b7111e1c8547e2d7c179db215303d25827f3"
     "cd18f48f6491328cf5c0f814d388150bd9e9264aae491db6995069bea17665d5e0c817284d4ac21880054c"
     "3657331e23a9304dc88a15c04ec80bd3852bf7f9d3c6615b15fac83bbca031c6d2310d9f5d7a4b020a4f7c"
     "19062b65c05a1d3264b557ec9d8e0f7cee27e36f793039de8dd96edfca9009e0651034bff31d7f349eece0"
     "1d99fcb5fcab840d7707c72299c3b5d04564e880a33c5e846c762e3d922bb55303d1d87cc0f06573f17dcb"
     "9b8ffd35bbd883c1cb3aa24fcc325005f768ce2fb624ca97b6c4d98e17f35bc2c7940a06100c2d448db718"
     "0b2d862164435c9c210e9860394e05aab23ff1b0203f662c588da5bc4411477a30b41136c488a0a63fcab5"
     "c15ac613226dae827a1d1fe95ece6b30bcee1560a8d408d264555e760f9bfc624c2c87fd0456c9bfb41bcd"
     "1a7b212786d2b67fd57804facfa1eef7cf2919d8b998c9789f763b4d9caa093a9ded43175d46a76b4d54f0"
     "ce0c5d2259b607e30a9d241263874fa59d6f570dc40d83a2d83bf9e9850d454c57806535a8998ae0357df9"
     "2f00b9667344c24114ccc9ef539124b204e7e6e748c30a28a3d1d183997243eaccbbd33b0c1115a0327106"
     "a1e6a75271d4983086f632ff0eb8b4c63102cbcef5bb72dae1279d5de8eb19096d8cdb07fa8ea989788fac"
     "23e66e0488c193f3f3fea8c8838896bf3ae4b6848d42ced4bdf41abe6fc331b44225e7a1f7d3564147d545"
     "8e71aa909cb02be958bbc42e3aa5a27cc6eaf4b6fe51ae4495694d8ab6320aab920183fd5b31a359042fbd"
     "67391ec5e4d1892a2e5210141a494e9301b24a113c474c7f2a73457847"},
    {WST_C2S, "140303000101"}, /* change_cipher_spec */
    {WST_C2S,
     "1703030035" /* Finished */
     "32d030e273773a8696c799981af6ced07f87482e81565e394e87c867f33df3d65b7506f1a626af91d4821d"
     "5f7a1f210ef8dd3c6d16"},
    {WST_C2S, "17030300130f629155382dba23c4e2c5f7f84e6f2ed3083d"}, /* close_notify */
    {WST_S2C, "1703030013b7257b0fecaf69d4f09e3f891e2a25d1e28845"},
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

static const struct trace {
    const char *name, *keys;
    const struct row *rows;
    size_t n;
    const char *early; /* of the client */
    size_t said;       /* bytes of each side behind the handshake: 00 01 … */
    uint64_t seq[2];   /* records behind it, the close_notify among them */
} traces[] = {
    {"section 3", simple_keys, simple, ARRAY(simple), "", 50, {2, 3}},
    {"section 4", resumed_keys, resumed, ARRAY(resumed), "ABCDEF", 50, {2, 2}},
    {"section 5", retried_keys, retried, ARRAY(retried), "", 0, {1, 1}},
    {"section 6", certified_keys, certified, ARRAY(certified), "", 0, {1, 1}},
    {"section 7", disguised_keys, disguised, ARRAY(disguised), "", 0, {1, 1}},
};

static uint64_t sealed(const struct trace *t, int dir)
{
    uint64_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->rows[i].dir == dir && !memcmp(t->rows[i].hex, "17", 2);
    return n;
}

static void check(const struct trace *t, size_t piece)
{
    struct room r;
    uint8_t said[64];
    size_t before = strlen(t->early), got;
    memcpy(said, t->early, before);
    for (size_t i = 0; i < t->said; i++) said[before + i] = (uint8_t)i;
    room_init(&r);
    room_keys(&r, t->keys);
    feed(&r, t->rows, t->n, piece);
    for (int dir = 0; dir < 2; dir++) {
        uint8_t *p = room_said(&r, (enum wst_dir)dir, &got);
        size_t skip = dir == WST_C2S ? 0 : before; /* only the client has early data */
        if (got != before + t->said - skip || memcmp(p, said + skip, got) != 0)
            fail_msg("%s, direction %d: %zu bytes, or others; %s", t->name, dir, got, r.detail);
        free(p);
        assert_int_equal(r.tls.side[dir].records, sealed(t, dir)); /* every one was opened */
        assert_int_equal(r.tls.side[dir].now->seq, t->seq[dir]);
    }
    for (int i = 0; i < WST_PROBLEMS; i++) assert_int_equal(r.problems[i], 0);
    assert_int_equal(r.tls.version, WST_TLS_1_3);
    assert_string_equal(r.tls.suite->name, "TLS_AES_128_GCM_SHA256");
    assert_string_equal(r.tls.sni, "server");
    room_free(&r);
}

static void opened_whole_and_by_the_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(traces); i++)
        for (size_t piece = 0; piece < 2; piece++) check(&traces[i], piece);
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
        cmocka_unit_test(opened_whole_and_by_the_byte),
        cmocka_unit_test(derivation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
