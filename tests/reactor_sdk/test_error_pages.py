"""Error pages as nginx, HAProxy, Cloudflare, Caddy, Envoy and S3 write them (their bytes, as recorded), told as sentences."""

import pytest

from reactor_sdk.error_pages import sentence_of

NGINX_413 = (
    "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n"
    "<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
)
HAPROXY_503 = "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n"
CLOUDFLARE_521 = (
    "<!DOCTYPE html>\n<!--[if lt IE 7]> <html class='no-js ie6 oldie' lang='en-US'> <![endif]-->\n<head>\n"
    "<title>models.example | 521: Web server is down</title></head><body></body></html>"
)
S3_EXPIRED = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message>'
    "<RequestId>0A49CE4060975EAC</RequestId></Error>"
)
ENVOY_503 = "upstream connect error or disconnect/reset before headers. reset reason: connection failure"


@pytest.mark.parametrize(
    ("status", "server", "text", "told"),
    [
        (
            413,
            "nginx/1.22.1",
            NGINX_413,
            "what was sent is larger than the proxy in front of the server (nginx) lets through: "
            "raise its limit (nginx: client_max_body_size)",
        ),
        (
            502,
            "nginx",
            NGINX_413.replace("413 Request Entity Too Large", "502 Bad Gateway"),
            "the proxy in front of the server (nginx) reaches no server behind it: is that one running?",
        ),
        (503, "", HAPROXY_503, "the proxy in front of the server has no server behind it that is ready"),
        (
            504,
            "nginx",
            NGINX_413.replace("413 Request Entity Too Large", "504 Gateway Time-out"),
            "the server behind the proxy in front of the server (nginx) did not answer it in time",
        ),
        (
            521,
            "cloudflare",
            CLOUDFLARE_521,
            "the proxy in front of the server (cloudflare) answered with a page: models.example | 521: Web server is down",
        ),
        (502, "Caddy", "", "the proxy in front of the server (Caddy) reaches no server behind it: is that one running?"),
        (403, "AmazonS3", S3_EXPIRED, "Request has expired"),
        (503, "envoy", ENVOY_503, None),
        (404, "", "", None),
        (400, "", "<3 is no page", None),
    ],
)
def test_what_is_told(status: int, server: str, text: str, told: str | None) -> None:
    assert sentence_of(status, server, text) == told


def test_a_page_can_be_as_long_as_it_likes() -> None:
    told = sentence_of(500, "x" * 9000, "<html><title>" + "long " * 100_000 + "</title></html>")
    assert told is not None
    assert len(told) < 400
