"""Links: one canonical form for every spelling, and the links that stand in texts."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.links import MAX_LINK, canonical_domain, canonical_url, find_links

# The examples that Google publishes with Safe Browsing v4, "URLs and hashing". Where they use the
# bare host `host`, a dot is put in: Lapwing takes no host without one. The form has no scheme.
PUBLISHED = [
    ("http://host.com/%25%32%35", "host.com/%25"),
    ("http://host.com/%25%32%35%25%32%35", "host.com/%25%25"),
    ("http://host.com/%2525252525252525", "host.com/%25"),
    ("http://host.com/asdf%25%32%35asd", "host.com/asdf%25asd"),
    ("http://host.com/%%%25%32%35asd%%", "host.com/%25%25%25asd%25%25"),
    ("http://www.google.com/", "www.google.com/"),
    (
        "http://%31%36%38%2e%31%38%38%2e%39%39%2e%32%36/%2E%73%65%63%75%72%65"
        "/%77%77%77%2E%65%62%61%79%2E%63%6F%6D/",
        "168.188.99.26/.secure/www.ebay.com/",
    ),
    (
        "http://195.127.0.11/uploads/%20%20%20%20/.verify/.eBaysecure=updateuserdataxplimnbqmn",
        "195.127.0.11/uploads/%20%20%20%20/.verify/.eBaysecure=updateuserdataxplimnbqmn",
    ),
    (
        "http://host%23.com/%257Ea%2521b%2540c%2523d%2524e%25f%255E00%252611%252A22%252833"
        "%252944_55%252B",
        "host%23.com/~a!b@c%23d$e%25f^00&11*22(33)44_55+",
    ),
    ("http://3279880203/blah", "195.127.0.11/blah"),
    ("http://www.google.com/blah/..", "www.google.com/"),
    ("www.google.com/", "www.google.com/"),
    ("www.google.com", "www.google.com/"),
    ("http://www.evil.com/blah#frag", "www.evil.com/blah"),
    ("http://www.GOOgle.com/", "www.google.com/"),
    ("http://www.google.com.../", "www.google.com/"),
    ("http://www.google.com/foo\tbar\rbaz\n2", "www.google.com/foobarbaz2"),
    ("http://www.google.com/q?", "www.google.com/q?"),
    ("http://www.google.com/q?r?", "www.google.com/q?r?"),
    ("http://www.google.com/q?r?s", "www.google.com/q?r?s"),
    ("http://evil.com/foo#bar#baz", "evil.com/foo"),
    ("http://evil.com/foo;", "evil.com/foo;"),
    ("http://evil.com/foo?bar;", "evil.com/foo?bar;"),
    ("http://%01%80.com/", "%01%80.com/"),
    ("http://notrailingslash.com", "notrailingslash.com/"),
    ("http://www.gotaport.com:1234/", "www.gotaport.com/"),
    ("  http://www.google.com/  ", "www.google.com/"),
    ("http:// leadingspace.com/", "%20leadingspace.com/"),
    ("http://%20leadingspace.com/", "%20leadingspace.com/"),
    ("%20leadingspace.com/", "%20leadingspace.com/"),
    ("https://www.securesite.com/", "www.securesite.com/"),
    ("http://host.com/ab%23cd", "host.com/ab%23cd"),
    ("http://host.com//twoslashes?more//slashes", "host.com/twoslashes?more//slashes"),
]

FURTHER = [
    # users, ports, schemes
    ("HTTP://user:secret@Example.com:8080/a", "example.com/a"),
    ("http://good.example%2F@evil.example/", "evil.example/"),
    ("http://a@b@evil.example", "evil.example/"),
    ("//example.com/a", "example.com/a"),
    ("https:example.com/a", "example.com/a"),
    ("ftp://example.com/a", "example.com/a"),
    ("example.com:443", "example.com/"),
    ("http://example.com:", "example.com/"),
    # paths
    ("http://example.com/a/./b/../../c/", "example.com/c/"),
    ("http://example.com/../../a", "example.com/a"),
    ("http://example.com/a/.", "example.com/a/"),
    ("http://example.com/a/..b/...", "example.com/a/..b/..."),
    ("http://example.com\\a\\b?c\\d", "example.com/a/b?c\\d"),
    ("http://example.com?a=/../b", "example.com/?a=/../b"),
    ("http://example.com/a%3Fb", "example.com/a?b"),
    ("http://example.com/ä?ö", "example.com/%C3%A4?%C3%B6"),
    ("http://example.com/%c3%a4", "example.com/%C3%A4"),
    # hosts
    ("http://.a..example.com./", "a.example.com/"),
    ("https://bücher.example/", "xn--bcher-kva.example/"),
    ("https://B%C3%BCCHER.example/", "xn--bcher-kva.example/"),
    ("https://xn--bcher-kva.example/", "xn--bcher-kva.example/"),
    ("https://ｅｘａｍｐｌｅ。ｃｏｍ/", "example.com/"),
    ("https://faß.example/", "xn--fa-hia.example/"),
    ("https://☕.example/", "xn--53h.example/"),
    # addresses
    ("http://0x7f.1/", "127.0.0.1/"),
    ("http://0300.0250.1/", "192.168.0.1/"),
    ("http://192.168.257/", "192.168.1.1/"),
    ("http://0xC0.0xA8.0x00.0x01/", "192.168.0.1/"),
    ("http://１９２.168.0.1/", "192.168.0.1/"),
    ("http://192.0.2.7./", "192.0.2.7/"),
    ("http://[2001:DB8:0:0::1]:80/x", "[2001:db8::1]/x"),
    ("http://[::ffff:192.0.2.7]/", "192.0.2.7/"),
    # defanged
    ("hxxps://evil[.]example[.]com/a", "evil.example.com/a"),
    ("hXXp[:]//evil(.)example{.}com", "evil.example.com/"),
    ("hxxp[://]evil[dot]example(DOT)com/x", "evil.example.com/x"),
    ("evil[.]example", "evil.example/"),
    ("evil [dot] example/a", "evil.example/a"),
]


@pytest.mark.parametrize(("written", "canonical"), PUBLISHED + FURTHER)
def test_every_spelling_has_one_form(written: str, canonical: str) -> None:
    url = canonical_url(written)
    assert url.text == canonical
    assert url.text == url.host + url.path + ("" if url.query is None else f"?{url.query}")
    assert canonical_url(url.text) == url


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "host"),
        ("   ", "host"),
        ("http://", "host"),
        ("http://?q", "host"),
        ("http://.../", "host"),
        ("bicycle", "no scheme"),
        ("and/or", "no scheme"),
        ("a bicycle. For sale", "no scheme"),
        ("http://localhost/", "dot"),
        ("mailto:someone@example.com", "not a web link"),
        ("javascript:alert(1)", "not a web link"),
        ("tel:+12025550123", "not a web link"),
        ("data:text/html,x", "not a web link"),
        ("http://example.com:port/", "port"),
        ("http://1.2.3.256/", "IPv4"),
        ("http://1.2.3.4.5/", "IPv4"),
        ("http://4294967296/", "IPv4"),
        ("http://example.09/", "IPv4"),
        ("http://[::1/", "IPv6"),
        ("http://[::g]/", "IPv6"),
        ("http://[fe80::1%25eth0]/", "zone"),
        ("http://" + "a." * 200 + "example/", "253"),
    ],
)
def test_what_is_no_usable_link_is_refused_with_its_reason(written: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        canonical_url(written)
    assert said in caught.value.message
    assert caught.value.field == "url"


def test_a_link_beyond_the_limit_is_refused() -> None:
    start = "http://example.com/"
    assert canonical_url(start + "a" * (MAX_LINK - len(start)))
    with pytest.raises(LimitExceeded, match="8192"):
        canonical_url(start + "a" * (MAX_LINK - len(start) + 1))


def test_expressions_of_the_published_example() -> None:
    assert set(canonical_url("http://a.b.c/1/2.html?param=1").expressions()) == {
        "a.b.c/1/2.html?param=1",
        "a.b.c/1/2.html",
        "a.b.c/",
        "a.b.c/1/",
        "b.c/1/2.html?param=1",
        "b.c/1/2.html",
        "b.c/",
        "b.c/1/",
    }


def test_expressions_of_a_long_host_take_the_last_five_labels() -> None:
    hosts = canonical_url("http://a.b.c.d.e.f.g/1.html").hosts()
    assert hosts == ["a.b.c.d.e.f.g", "c.d.e.f.g", "d.e.f.g", "e.f.g", "f.g"]


def test_an_address_has_no_suffixes() -> None:
    for host in ("1.2.3.4", "[2001:db8::1]"):
        url = canonical_url(f"http://{host}/1/")
        assert set(url.expressions()) == {f"{host}/1/", f"{host}/"}
        assert url.domains() == [host]


def test_there_are_never_more_than_thirty_expressions_and_none_twice() -> None:
    found = canonical_url("a.b.c.d.e.f.g.h/1/2/3/4/5/6/7.html?q").expressions()
    assert len(found) == 30
    assert len(set(found)) == 30


def test_domains_are_all_suffixes_but_the_last_label() -> None:
    assert canonical_url("a.b.c.example").domains() == ["a.b.c.example", "b.c.example", "c.example"]


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("Example.COM", "example.com"),
        ("*.example.com", "example.com"),
        (".example.com.", "example.com"),
        ("https://example.com/", "example.com"),
        ("example[.]com", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_a_domain_has_one_form(written: str, domain: str) -> None:
    assert canonical_domain(written) == domain
    assert canonical_domain(domain) == domain


@pytest.mark.parametrize(
    "written",
    ["com", "", "example.com/a", "example.com?x", "%20example.com", "a/b", "exa mple.com"],
)
def test_what_is_no_domain_is_refused(written: str) -> None:
    with pytest.raises(InvalidInput):
        canonical_domain(written)


def words(text: str) -> list[str]:
    found = find_links(text)
    for start, end, link in found:
        assert text[start:end] == link
    return [link for _, _, link in found]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see http://example.com/a, please.", ["http://example.com/a"]),
        ("(https://example.com/a_(b))", ["https://example.com/a_(b)"]),
        ("«https://example.com/a»", ["https://example.com/a"]),
        ("[here](http://example.com/x) and", ["http://example.com/x"]),
        ('<a href="http://example.com/x">http://example.com/y</a>', 2),
        ("http://example.com/x?y=z#part!", ["http://example.com/x?y=z#part"]),
        ("www.example.zzz or example.com", ["www.example.zzz", "example.com"]),
        (
            "example.com/a\nexample.org\texample.net",
            ["example.com/a", "example.org", "example.net"],
        ),
        ("example.com,example.org;example.net.", ["example.com", "example.org", "example.net"]),
        ("short.zzz/abc", ["short.zzz/abc"]),
        ("пример.рф и bücher.de", ["пример.рф", "bücher.de"]),
        ("hxxp://ev[.]example[.]com/a b", ["hxxp://ev[.]example[.]com/a"]),
        ("at ev [dot] example [dot] com now", ["ev [dot] example [dot] com"]),
        ("write example(.)com", ["example(.)com"]),
        ("http://[2001:db8::1]/x", ["http://[2001:db8::1]/x"]),
        ("example.com:8080/x", ["example.com:8080/x"]),
        ("链接http://example.com/x。谢谢", ["http://example.com/x"]),
        # not links
        ("mail me@example.com or first.last@example.com", []),
        ("Nice flat.Two rooms, 1.5 baths, 3.50 a day... ok", []),
        ("version 1.2.3.4 of file.name", 1),
        ("no dots here", []),
        ("", []),
    ],
)
def test_links_are_found_in_texts(text: str, links: list[str] | int) -> None:
    found = words(text)
    if isinstance(links, int):
        assert len(found) == links
    else:
        assert found == links


NASTY = st.text(
    st.sampled_from("a1.%25:/\\?#@[]{}()x0hp \t\x00ä。／％\u200d☕-dotDOT"), max_size=60
)


@given(NASTY | st.text(max_size=60) | NASTY.map("http://".__add__) | NASTY.map("a.b/".__add__))
@example("http://\x01\x80.com/")
@example("http://％３１.com")
@example("http://a%28dot%29b.com")
@example("http://a.com/%252525%41")
def test_the_canonical_form_is_its_own_canonical_form(written: str) -> None:
    try:
        url = canonical_url(written)
    except InvalidInput:
        return
    assert canonical_url(url.text) == url
    assert url.text.isascii()
    assert not set(url.text) & set(" \t\r\n#")
    found = url.expressions()
    assert url.text in found
    assert len(found) == len(set(found)) <= 30


@given(NASTY | st.text(max_size=80))
def test_found_links_are_in_order_and_where_they_say(text: str) -> None:
    place = 0
    for start, end, link in find_links(text):
        assert place <= start < end
        assert text[start:end] == link
        place = end


@given(
    st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9}){0,2}\.(com|org|de)", fullmatch=True),
    st.from_regex(r"(/[a-z0-9]{1,5}){0,3}", fullmatch=True),
    st.sampled_from(["https://{}", "{}", "hxxp://{}", "({})", "see {}, ok", "ä\n{}\n"]),
)
def test_a_plain_link_is_found_in_any_sentence(host: str, path: str, sentence: str) -> None:
    (link,) = words(sentence.format(host + path))
    assert canonical_url(link).text == host + (path or "/")


@pytest.mark.parametrize(
    "text",
    [
        "a." * 50_000,
        "a-" * 50_000,
        "[" * 100_000,
        "a[dot" * 20_000,
        " [dot] " * 15_000,
        "http://" * 9_000 + ")" * 30_000,
        "http://a.com/" + "." * 100_000,
        "a.bc@" * 20_000,
        "(" * 50_000 + "a.bc" + ")" * 50_000,
    ],
    ids=lambda text: text[:8],
)
def test_a_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    """A second is some fifty times what these take; anything quadratic takes minutes."""
    start = time.process_time()
    find_links(text)
    assert time.process_time() - start < 1.0


def test_a_link_escaped_many_times_over_costs_little() -> None:
    start = time.process_time()
    assert canonical_url("http://a.com/%" + "25" * 4_000 + "41").path == "/A"
    with pytest.raises(InvalidInput):
        canonical_url("http://a[" + " " * 8_000 + "dot]")
    for hostile in ("%%32%35" * 1_000, "%2%35" * 1_500, "%25" * 2_500):
        canonical_url("http://a.com/" + hostile)
    assert time.process_time() - start < 1.0
