"""Credentials that never were any: put together at run time, so that no scanner finds one in this repository."""

import base64
import json
from random import Random

LOWER = "abcdefghijklmnopqrstuvwxyz"
ALNUM = LOWER + LOWER.upper() + "0123456789"
HEX = "0123456789abcdef"
BASE64 = ALNUM + "+/"
DASHED = ALNUM + "_-"


class Fakes:
    """Makes credentials; the same seed, the same ones."""

    def __init__(self, seed=1):
        self._random = Random(seed)

    def of(self, alphabet, count):
        """Random characters, of every kind the alphabet has."""
        text = "".join(self._random.choices(alphabet, k=count))
        while alphabet != HEX and not (any(c.isupper() for c in text) and any(c.isdigit() for c in text)):
            text = "".join(self._random.choices(alphabet, k=count))
        return text

    def an(self, count):
        return self.of(ALNUM, count)

    def w(self, count):
        return self.of(ALNUM, 4) + self.of(DASHED, count - 8) + self.of(ALNUM, 4)

    def hex(self, count):
        return self.of(HEX, count)

    def digits(self, count):
        return "1" + "".join(self._random.choices("0123456789", k=count - 1))

    def base64(self, count):
        return self.of(BASE64, count)

    def github(self):
        return "gh" + "p_" + self.an(36)

    def jwt(self):
        def part(value):
            return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

        return ".".join((part({"alg": "HS256"}), part({"sub": self.digits(12), "name": self.an(12)}), self.w(43)))

    def pem(self, kind="RSA ", lines=24):
        body = "\n".join([*(self.base64(64) for _ in range(lines)), self.base64(22) + "=="])
        begin, end = ("-----" + word + f" {kind}PRIVATE " + "KEY-----" for word in ("BEGIN", "END"))
        return f"{begin}\n{body}\n{end}"

    def samples(self):
        """(rule, credential, a text it stands in) of every built-in rule, some more than once."""
        an, w, hex_ = self.an, self.w, self.hex
        tokens = [("github-token", f"gh{kind}_{an(36)}") for kind in "pousr"] + [
            ("github-token", f"github_pat_{an(22)}_{an(59)}"),
            *(
                ("gitlab-token", f"gl{kind}-{w(20)}")
                for kind in ("pat", "ptt", "dt", "rt", "ft", "cbt", "imt", "agent", "soat", "ffct", "oas")
            ),
            ("gitlab-token", f"glpat-{w(27)}.0a.1b2c3d4"),
            ("bitbucket-token", f"ATBB{an(32)}"),
            ("sourcegraph-token", f"sgp_{an(16)}_{hex_(40)}"),
            ("sourcegraph-token", f"sgp_{hex_(40)}"),
            ("npm-token", f"npm_{an(36)}"),
            ("pypi-token", f"pypi-AgEIcHlwaS5vcmc{w(90)}"),
            ("rubygems-key", f"rubygems_{hex_(48)}"),
            ("docker-token", f"dckr_pat_{w(27)}"),
            ("anthropic-key", f"sk-ant-api03-{w(93)}AA"),
            ("anthropic-key", f"sk-ant-oat01-{w(80)}"),
            ("openai-key", f"sk-proj-{w(120)}"),
            ("openai-key", f"sk-svcacct-{w(60)}"),
            ("openai-key", f"sk-{an(48)}"),
            ("openai-key", f"sk-{hex_(32)}"),
            ("openrouter-key", f"sk-or-v1-{hex_(64)}"),
            ("langfuse-key", f"sk-lf-{hex_(8)}-{hex_(4)}-{hex_(4)}-{hex_(4)}-{hex_(12)}"),
            ("huggingface-token", f"hf_{an(34)}"),
            ("huggingface-token", f"api_org_{an(34)}"),
            ("groq-key", f"gsk_{an(52)}"),
            ("xai-key", f"xai-{an(80)}"),
            ("replicate-token", f"r8_{an(37)}"),
            ("nvidia-key", f"nvapi-{w(64)}"),
            ("perplexity-key", f"pplx-{an(48)}"),
            ("cerebras-key", f"csk-{an(48).lower()}"),
            ("together-key", f"tgp_v1_{w(43)}"),
            ("elevenlabs-key", f"sk_{hex_(48)}"),
            ("langsmith-key", f"lsv2_pt_{hex_(32)}_{hex_(10)}"),
            ("tavily-key", f"tvly-dev-{an(32)}"),
            ("pinecone-key", f"pcsk_{an(6)}_{an(63)}"),
            ("aws-access-key-id", f"AKIA{self.of('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}"),
            ("google-key", f"AIza{w(35)}"),
            ("google-oauth-token", f"ya29.{w(120)}"),
            ("google-client-secret", f"GOCSPX-{w(28)}"),
            ("digitalocean-token", f"dop_v1_{hex_(64)}"),
            ("vault-token", f"hvs.{w(90)}"),
            ("doppler-token", f"dp.pt.{an(43)}"),
            ("doppler-token", f"dp.st.dev_personal.{an(43)}"),
            ("pulumi-token", f"pul-{hex_(40)}"),
            ("fly-token", f"fm2_{self.base64(120)}"),
            ("netlify-token", f"nfp_{an(40)}"),
            ("supabase-token", f"sbp_{hex_(40)}"),
            ("supabase-key", f"sb_secret_{w(31)}"),
            ("planetscale-token", f"pscale_pw_{w(43)}"),
            ("tailscale-key", f"tskey-auth-{an(12)}CNTRL-{an(32)}"),
            ("slack-token", f"xoxb-{self.digits(12)}-{self.digits(13)}-{an(24)}"),
            ("slack-token", f"xapp-1-A{an(10).upper()}-{self.digits(13)}-{hex_(64)}"),
            ("discord-token", f"M{base64.b64encode(self.digits(18).encode()).decode()[1:]}.{an(6)}.{w(38)}"),
            ("telegram-token", f"{self.digits(10)}:AA{w(33)}"),
            ("stripe-key", f"sk_live_{an(24)}"),
            ("stripe-key", f"rk_live_{an(99)}"),
            ("stripe-webhook-secret", f"whsec_{an(32)}"),
            ("square-secret", f"sq0csp-{w(43)}"),
            ("shopify-token", f"shpat_{hex_(32)}"),
            ("sendgrid-key", f"SG.{w(22)}.{w(43)}"),
            ("brevo-key", f"xkeysib-{hex_(64)}-{an(16)}"),
            ("mailchimp-key", f"{hex_(32)}-us14"),
            ("twilio-key", f"SK{hex_(32)}"),
            ("atlassian-token", f"ATATT3{w(180)}"),
            ("linear-key", f"lin_api_{an(40)}"),
            ("notion-token", f"ntn_{self.digits(11)}{an(35)}"),
            ("notion-token", f"secret_{an(43)}"),
            ("figma-token", f"figd_{w(40)}"),
            ("postman-key", f"PMAK-{hex_(24)}-{hex_(34)}"),
            ("newrelic-key", f"NRAK-{an(27).upper()}"),
            ("grafana-token", f"glsa_{an(32)}_{hex_(8)}"),
            ("grafana-token", f"glc_eyJ{an(80)}"),
            ("sentry-token", f"sntrys_eyJ{an(90)}"),
            ("sentry-token", f"sntryu_{hex_(64)}"),
            ("buildkite-token", f"bkua_{hex_(40)}"),
            ("circleci-token", f"CCIPAT_{an(22)}_{hex_(40)}"),
            ("airtable-token", f"pat{an(14)}.{hex_(64)}"),
            ("1password-token", f"ops_eyJ{an(220)}"),
            ("age-key", f"AGE-SECRET-KEY-1{an(58).upper()}"),
            ("jwt", self.jwt()),
            ("private-key", self.pem()),
            ("private-key", self.pem("OPENSSH ")),
            ("private-key", self.pem("")),
        ]
        made = [(rule, token, f"it is {token}, they said") for rule, token in tokens]
        for rule, form, secret in [
            ("npm-token", "//npm.example.org/:_authToken={}", an(40)),
            ("aws-secret-key", 'aws_secret_access_key = "{}"', self.base64(40)),
            ("aws-secret-key", "export AWS_SECRET_ACCESS_KEY={}", self.base64(40)),
            ("aws-secret-key", '{{"SecretAccessKey": "{}"}}', self.base64(40)),
            ("azure-storage-key", "AccountName=x;AccountKey={};EndpointSuffix=y", self.base64(86) + "=="),
            ("azure-access-key", "SharedAccessKeyName=x;SharedAccessKey={}", self.base64(43) + "="),
            ("azure-sas", "https://x.blob.example.org/c?sv=2024-01-01&sig={}&se=2030", an(40) + "%2B" + an(2) + "%3D"),
            ("azure-sas", "SharedAccessSignature=sv=2024-01-01&sig={}", an(43) + "%3D"),
            ("slack-webhook", "https://hooks.slack.com/services/{}", f"T{an(9).upper()}/B{an(10).upper()}/{an(24)}"),
            ("discord-webhook", "https://discord.com/api/webhooks/{}", f"{self.digits(18)}/{w(68)}"),
            ("authorization", "-H 'Authorization: Bearer {}'", an(40)),
            ("authorization", '{{\\"authorization\\":\\"Bearer {}\\"}}', an(40)),
            (
                "authorization",
                'headers["Authorization"] = "Basic {}"',
                base64.b64encode(f"ana:{an(18)}".encode()).decode(),
            ),
            ("url-password", "postgres://shop:{}@db.example.org:5432/shop", an(12)),
            ("url-password", "git clone https://ana:{}@git.example.org/x.git", an(20)),
        ]:
            made.append((rule, secret, form.format(secret)))
        return made
