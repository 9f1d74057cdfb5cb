"""Writes the configuration of a portal that is an OpenID provider: the sample of the package, with its places, keys and clients."""
import json, subprocess, sys

sample, state, port = sys.argv[1:]
with open(sample) as file:
    conf = json.load(file)


def openssl(*words, **more):
    return subprocess.run(["openssl", *words], check=True, capture_output=True, text=True, **more).stdout


private = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
sessions = {"generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256"}
conf |= {
    "portal": f"http://127.0.0.1:{port}/", "domain": "127.0.0.1", "reloadUrls": {}, "useSafeJail": 0, "notification": 0,
    "captcha": "::Main::Plugin", "portalDisplayRegister": 0, "registerDB": "Null",  # without the libraries that draw captchas and send mail
    "globalStorageOptions": {"Directory": f"{state}/sessions", "LockDirectory": f"{state}/sessions/lock", **sessions},
    "persistentStorageOptions": {"Directory": f"{state}/psessions", "LockDirectory": f"{state}/psessions/lock"},
    "localSessionStorageOptions": conf["localSessionStorageOptions"] | {"cache_root": f"{state}/cache"},
    "issuerDBOpenIDConnectActivation": 1,
    "oidcServicePrivateKeySig": private, "oidcServicePublicKeySig": openssl("pkey", "-pubout", input=private), "oidcServiceKeyIdSig": "key-1",
    "oidcServiceAllowDynamicRegistration": 1,
    "oidcServiceDynamicRegistrationExportedVars": {"email": "mail", "name": "cn"},
    "oidcRPMetaDataExportedVars": {}, "oidcRPMetaDataOptions": {},
}
for name in ("authspec", "other"):
    conf["oidcRPMetaDataExportedVars"][name] = {"email": "mail", "name": "cn"}
    conf["oidcRPMetaDataOptions"][name] = {
        "oidcRPMetaDataOptionsClientID": name, "oidcRPMetaDataOptionsPublic": 1, "oidcRPMetaDataOptionsRequirePKCE": 1,
        "oidcRPMetaDataOptionsRefreshToken": 1, "oidcRPMetaDataOptionsIDTokenSignAlg": "RS256",
        "oidcRPMetaDataOptionsRedirectUris": "http://127.0.0.1:33418/callback",
    }
with open(f"{state}/conf/lmConf-1.json", "w") as file:
    json.dump(conf, file)
