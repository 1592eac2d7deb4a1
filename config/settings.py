"""One settings file: SQLite and no services by default; DATABASE_URL and REDIS_URL turn the full set-up on."""

from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

# Everything the program writes lies here: database, broker folders, uploads, exports.
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])


def _secret_key() -> str:
    """The key from the environment, or one made once for this folder (embedded set-up only)."""
    if key := env.str("SECRET_KEY", ""):
        return str(key)
    if "DATABASE_URL" in env.ENVIRON and "REDIS_URL" in env.ENVIRON:
        raise ImproperlyConfigured("SECRET_KEY is not set: the full set-up needs one that all its processes share")
    from django.core.management.utils import get_random_secret_key

    path = VAR_DIR / "secret_key"
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(get_random_secret_key())
    except FileExistsError:
        return path.read_text()
    return path.read_text()


SECRET_KEY = _secret_key()

INSTALLED_APPS = [
    "accounts",
    "web",
    "llm",
    "runs",
    "curation",
    "dialogues",
    "config",
    "accounts.admin_app.StudioAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "axes",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "web.unseen.show_unseen",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.zones.in_readers_zone",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "accounts.roles.roles_of_reader",
            ]
        },
    }
]

# The registry of work: a dotted name, so that `runs` reaches steps that live above it.
RUN_KINDS = "config.kinds.KINDS"
# No run begins while it says that something else would take away what the run is about.
RUNS_WAIT_FOR = "curation.going_out.going_out"
MODELS_FILE = Path(env.str("MODELS_FILE", str(BASE_DIR / "models.toml")))
SANDBOX = env.str("SANDBOX", "auto")

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY;",
}
DATABASES = {"default": env.db("DATABASE_URL", f"sqlite:///{VAR_DIR / 'studio.sqlite3'}")}
ON_POSTGRESQL = DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"
if ON_POSTGRESQL:
    # A server that was away is found again within seconds, instead of after as long as it was away.
    away = {"timeout": 10, "reconnect_timeout": 5}
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 0, "max_size": env.int("DATABASE_POOL", 8), **away}}
else:
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", "")
# Whoever runs code here has to know: a full set-up takes no sandbox weaker than bubblewrap.
env.ENVIRON["SANDBOX_SETUP"] = "full" if REDIS_URL else "embedded"
BROKER_DIR = VAR_DIR / "broker"
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "accounts/locked.html"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": env.str("STATICFILES", "django.contrib.staticfiles.storage.StaticFilesStorage")},
}
# Files are found where they lie, so that serving starts without a collectstatic step.
WHITENOISE_USE_FINDERS = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}
BEHIND_TLS = env.bool("BEHIND_TLS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
SILENCED_SYSTEM_CHECKS = [] if BEHIND_TLS else ["security.W004", "security.W008", "security.W012", "security.W016"]

# The largest file that a browser may send, and after how many days one that nobody imported is removed.
UPLOAD_LIMIT_BYTES = env.int("UPLOAD_LIMIT_MB", 2000) * 1_000_000
UPLOAD_DAYS = env.int("UPLOAD_DAYS", 7)

# How long a claimed row stays with its reviewer without a sign of life.
CLAIM_MINUTES = env.int("CLAIM_MINUTES", 30)
# Items in hand per worker process at most, the length of one slice of a run, and how many of them one run may have.
RUN_WINDOW = env.int("RUN_WINDOW", 1024)
RUN_SLICE_SECONDS = env.int("RUN_SLICE_SECONDS", 60)
RUN_SLICES = env.int("RUN_SLICES", 4 if REDIS_URL else 1)
RUN_LEASE_SECONDS = env.int("RUN_LEASE_SECONDS", 120)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "WARNING")},
}
