"""Secrets nobody has: drawn by seed in the forms of 56 kinds, each in four of the texts in which secrets travel.

Rules were written against the kinds at even places of KINDS; figures are told of those at odd ones.
"""

import string
from base64 import b64encode
from collections.abc import Callable
from random import Random
from typing import NamedTuple

ALNUM, LOWER, UPPER, HEX = (
    string.ascii_letters + string.digits,
    string.ascii_lowercase + string.digits,
    string.ascii_uppercase,
    "0123456789abcdef",
)
B32, URL, B64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALNUM + "_-", ALNUM + "+/"


_HOOKS = "https://hooks.slack.com/services/T"


class Kind(NamedTuple):
    """How a secret is called where it is set, and how it is drawn."""

    name: str
    variable: str
    draw: Callable[[Random], str]


def of(alphabet: str, length: int, before: str = "", after: str = "") -> Callable[[Random], str]:
    return lambda rng: before + "".join(rng.choices(alphabet, k=length)) + after


def uuid(rng: Random) -> str:
    digits = "".join(rng.choices(HEX, k=32))
    return "-".join((digits[:8], digits[8:12], "4" + digits[13:16], "a" + digits[17:20], digits[20:]))


def jwt(rng: Random) -> str:
    def part(text: str) -> str:
        return b64encode(text.encode()).decode().rstrip("=").replace("+", "-").replace("/", "_")

    claims = f'{{"iss":"https://id.corp.internal","sub":"u{rng.randrange(10**6)}","exp":17900{rng.randrange(10**5):05}}}'
    return ".".join((part('{"alg":"RS256","typ":"JWT"}'), part(claims), "".join(rng.choices(URL, k=86))))


def pem(label: str) -> Callable[[Random], str]:
    def draw(rng: Random) -> str:
        lines = ["".join(rng.choices(B64, k=64)) for _ in range(12)]
        return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"))

    return draw


def password(rng: Random) -> str:
    drawn = [
        rng.choice("abcdefghjkmnpqrstuvwxyz"),
        rng.choice("ABCDEFGHJKLMNPQRTUVWXYZ"),
        rng.choice("23456789"),
        rng.choice("!#_%^*-+"),
    ]
    drawn += rng.choices(ALNUM, k=rng.randrange(5, 12))
    rng.shuffle(drawn)
    return "k" + "".join(drawn) + rng.choice("23456789")


def both(*draws: Callable[[Random], str], between: str = ".") -> Callable[[Random], str]:
    return lambda rng: between.join(draw(rng) for draw in draws)


KINDS = (
    Kind("github-pat", "GITHUB_TOKEN", of(ALNUM, 36, "ghp_")),
    Kind("github-fine-grained", "GH_TOKEN", of(ALNUM + "_", 82, "github_pat_")),
    Kind("gitlab-pat", "GITLAB_TOKEN", of(URL, 20, "glpat-")),
    Kind("github-oauth", "GITHUB_OAUTH", of(ALNUM, 36, "gho_")),
    Kind("aws-key-id", "AWS_ACCESS_KEY_ID", of(B32, 16, "AKIA")),
    Kind("aws-secret", "AWS_SECRET_ACCESS_KEY", of(B64, 40)),
    Kind("anthropic", "ANTHROPIC_API_KEY", of(URL, 93, "sk-ant-api03-", "AA")),
    Kind("openai-project", "OPENAI_API_KEY", both(of(URL, 74, "sk-proj-"), of(URL, 74), between="T3BlbkFJ")),
    Kind("openai-legacy", "OPENAI_KEY", both(of(ALNUM, 20, "sk-"), of(ALNUM, 20), between="T3BlbkFJ")),
    Kind("huggingface", "HF_TOKEN", of(string.ascii_letters, 34, "hf_")),
    Kind("slack-bot", "SLACK_BOT_TOKEN", both(of(string.digits, 12, "xoxb-"), of(string.digits, 12), of(ALNUM, 24), between="-")),
    Kind("slack-webhook", "SLACK_WEBHOOK", both(of(UPPER, 9, _HOOKS), of(UPPER, 9, "B"), of(ALNUM, 24), between="/")),
    Kind("stripe-live", "STRIPE_SECRET_KEY", of(ALNUM, 24, "sk_live_")),
    Kind("stripe-restricted", "STRIPE_KEY", of(ALNUM, 30, "rk_live_")),
    Kind("google-api", "GOOGLE_API_KEY", of(URL, 35, "AIza")),
    Kind("google-oauth-secret", "GOOGLE_CLIENT_SECRET", of(URL, 28, "GOCSPX-")),
    Kind("npm", "NPM_TOKEN", of(LOWER, 36, "npm_")),
    Kind("pypi", "PYPI_TOKEN", of(URL, 70, "pypi-AgEIcHlwaS5vcmc")),
    Kind("sendgrid", "SENDGRID_API_KEY", both(of(URL, 22, "SG."), of(URL, 43))),
    Kind("twilio", "TWILIO_API_KEY", of(HEX, 32, "SK")),
    Kind("mailgun", "MAILGUN_API_KEY", of(HEX, 32, "key-")),
    Kind("mailchimp", "MAILCHIMP_KEY", of(HEX, 32, "", "-us12")),
    Kind("shopify", "SHOPIFY_TOKEN", of(HEX, 32, "shpat_")),
    Kind("square", "SQUARE_ACCESS_TOKEN", of(URL, 60, "EAAA")),
    Kind("digitalocean", "DO_TOKEN", of(HEX, 64, "dop_v1_")),
    Kind("databricks", "DATABRICKS_TOKEN", of(HEX, 32, "dapi")),
    Kind("linear", "LINEAR_API_KEY", of(LOWER, 40, "lin_api_")),
    Kind("notion", "NOTION_TOKEN", both(of(string.digits, 11, "ntn_"), of(ALNUM, 35), between="")),
    Kind("postman", "POSTMAN_API_KEY", both(of(HEX, 24, "PMAK-"), of(HEX, 34), between="-")),
    Kind("new-relic", "NEW_RELIC_API_KEY", of(UPPER + string.digits, 27, "NRAK-")),
    Kind("grafana", "GRAFANA_TOKEN", both(of(ALNUM, 32, "glsa_"), of(HEX, 8), between="_")),
    Kind("datadog", "DATADOG_API_KEY", of(HEX, 40)),
    Kind("heroku", "HEROKU_API_KEY", uuid),
    Kind("doppler", "DOPPLER_TOKEN", of(ALNUM, 43, "dp.pt.")),
    Kind("vault", "VAULT_TOKEN", of(URL, 95, "hvs.")),
    Kind("terraform", "TFE_TOKEN", both(of(ALNUM, 14), of(URL, 65, "atlasv1."))),
    Kind("pulumi", "PULUMI_ACCESS_TOKEN", of(HEX, 40, "pul-")),
    Kind("sentry", "SENTRY_AUTH_TOKEN", of(HEX, 64, "sntryu_")),
    Kind("telegram", "TELEGRAM_BOT_TOKEN", both(of("123456789", 10), of(URL, 34, "A"), between=":")),
    Kind("discord", "DISCORD_TOKEN", of(HEX, 64)),
    Kind("cloudflare", "CLOUDFLARE_API_TOKEN", of(URL, 40)),
    Kind("planetscale", "PLANETSCALE_PASSWORD", of(URL, 43, "pscale_pw_")),
    Kind("rubygems", "RUBYGEMS_API_KEY", of(HEX, 48, "rubygems_")),
    Kind("dynatrace", "DYNATRACE_TOKEN", both(of(UPPER + "234567", 24, "dt0c01."), of(UPPER + "234567", 64))),
    Kind("perplexity", "PERPLEXITY_API_KEY", of(ALNUM, 48, "pplx-")),
    Kind("airtable", "AIRTABLE_TOKEN", both(of(ALNUM, 14, "pat"), of(HEX, 64))),
    Kind("age", "AGE_KEY", of("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58, "AGE-SECRET-KEY-1")),
    Kind("jwt", "SESSION_TOKEN", jwt),
    Kind("rsa-key", "TLS_KEY", pem("RSA PRIVATE KEY")),
    Kind("openssh-key", "DEPLOY_KEY", pem("OPENSSH PRIVATE KEY")),
    Kind("postgres-url", "DATABASE_URL", lambda rng: f"postgresql://app:{of(ALNUM, 14)(rng)}@db.corp.internal:5432/orders"),
    Kind("mongodb-url", "MONGO_URI", lambda rng: f"mongodb+srv://svc:{of(ALNUM, 16)(rng)}@cluster0.ab1cd.mongodb.net/prod"),
    Kind("azure-storage", "AZURE_STORAGE", lambda rng: f"AccountName=corpdata;AccountKey={of(B64, 86)(rng)}==;EndpointSuffix=x"),
    Kind("sql-server", "MSSQL", lambda rng: f"Server=sql.corp.internal;User ID=svc;Password={password(rng)};Encrypt=true"),
    Kind("password", "ADMIN_PASSWORD", password),
    Kind("db-password", "DB_PASSWORD", password),
)  # fmt: skip

TEXTS = (
    "Hi, the deploy has been failing since Tuesday. The {words} is {value}\nCan you tell me why the call returns 403?",
    "# .env.production\nAPP_ENV=production\n{variable}={value}\nLOG_LEVEL=info\n",
    'import os\n\nclient = connect(\n    region="eu-west-1",\n    {lower}="{value}",\n    timeout=30,\n)\n',
    '{{"level": "error", "time": "2026-03-04T10:11:12Z", "msg": "request failed", "{lower}": "{value}", "status": 401}}',
    "services:\n  api:\n    image: corp/api:1.4\n    environment:\n      {variable}: {value}\n    ports: [8080]\n",
    "$ export {variable}='{value}'\n$ make deploy\nError: upstream rejected the credentials",
    "2026-03-04 10:11:12,345 DEBUG config: loaded {variable}={value} from vault\n2026-03-04 10:11:13,001 ERROR http 401",
    "curl -sS https://api.corp.internal/v1/items -H 'Accept: application/json' -H 'X-{variable}: {value}' | jq .",
)
"""Prose, environment, code, a log in JSON, YAML, a shell, a log and curl."""


def corpus(seed: int = 7) -> list[tuple[str, str, str]]:
    """Kind, text and secret of each, kinds in turn."""
    rng = Random(seed)
    rows = []
    for turn in range(4):
        for number, kind in enumerate(KINDS):
            form = TEXTS[(number + number // 8 + 2 * turn) % len(TEXTS)]
            value = kind.draw(rng)
            shown = value.replace("\n", "\\n") if form.startswith(("import", "{{")) else value
            words = kind.variable.lower().replace("_", " ")
            rows.append(
                (kind.name, form.format(words=words, variable=kind.variable, lower=kind.variable.lower(), value=shown), shown)
            )
    return rows


CORPUS = corpus()


def published() -> list[str]:
    """What stands in documents, lock files and code, and is no secret."""
    rng = Random(11)
    digest, image = of(HEX, 64)(rng), b64encode(rng.randbytes(600)).decode()
    return [
        "export OPENAI_API_KEY=sk-...",
        "OPENAI_API_KEY=sk-your-key-here",
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "api_key: <your key>",
        'client = OpenAI(api_key=os.environ["OPENAI_API_KEY"])',
        "password: ${DB_PASSWORD}",
        "password = {{ vault_db_password }}",
        "postgres://user:password@localhost:5432/db",
        "redis://:password123@cache:6379",
        "https://<user>:<token>@example.com/repo.git",
        f"kaitaistruct==0.11 --hash=sha256:{digest}",
        f'"integrity": "sha512-{b64encode(rng.randbytes(64)).decode()}"',
        f"commit {of(HEX, 40)(rng)}\nAuthor: someone",
        f"request_id={uuid(rng)} took 12 ms",
        f"data:image/png;base64,iVBORw0KGgo{image}",
        "token = tokenizer.next_token2()",
        "secret_key = settings.SECRET_KEY_V2",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
        "Authorization: Bearer YOUR_ACCESS_TOKEN_1",
        "curl -u user:password https://api.example.com",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "xoxb-123456789012-123456789012-abcdefghijklmnopqrstuvwx",
        "password=changeme1",
        "The password is case-sensitive, and the token is refreshed every 15min.",
        "assert user.check_password('pass1234')",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzb21lIjoicGF5bG9hZCJ9.4twFt5NiznN84AWoo1d7KO1T_yoc0Z6XOpOVswacPZg",
    ]
