from __future__ import annotations

from pathlib import Path

import pytest

from server.settings import Settings, SettingsInvalid, load, to_serve


def refusal(file: Path | None = None, environment: dict[str, str] | None = None, **given: object) -> str:
    with pytest.raises(SettingsInvalid) as caught:
        load(file, environment or {}, **given)
    return str(caught.value)


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_word_a_server_listens_on_the_loopback_alone() -> None:
    assert load(None, {}) == Settings()
    assert load(None, {}).address == "127.0.0.1:50061"


def test_arguments_come_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "port = 1\ncalls = 1\ntimer_seconds = 1\n")

    found = load(file, {"REMISSION_PORT": "2", "REMISSION_CALLS": "2", "PATH": "/bin"}, port=3)

    assert (found.port, found.calls, found.timer_seconds) == (3, 2, 1.0)


def test_an_unknown_key_is_named_with_its_place_and_what_is_known(tmp_path: Path) -> None:
    file = written(tmp_path, "prot = 1")

    assert refusal(file).startswith(f"{file}: prot: is unknown; known are artifacts, calls")
    assert refusal(environment={"REMISSION_PROT": "1"}).startswith("REMISSION_PROT: is unknown")


def test_the_address_that_clients_use_is_no_setting_of_a_server() -> None:
    assert load(None, {"REMISSION_SERVER": "elsewhere:50061"}) == Settings()


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"REMISSION_PORT": "high"}, "REMISSION_PORT: 'high' is not accepted; 0 to 65535 is"),
        ({"REMISSION_PORT": "65536"}, "port: 65536 is not accepted; 0 to 65535 is"),
        ({"REMISSION_CLOCK": "sundial"}, "REMISSION_CLOCK: 'sundial' is not accepted; system or stream is"),
        ({"REMISSION_DRAIN_SECONDS": "-1"}, "drain_seconds: -1.0 is not accepted; 0 to 3600 is"),
        ({"REMISSION_TIMER_SECONDS": "nan"}, "timer_seconds: nan is not accepted"),
        ({"REMISSION_CALLS": "0"}, "calls: 0 is not accepted; 1 to 100000 is"),
        ({"REMISSION_LOGS": "prose"}, "REMISSION_LOGS: 'prose' is not accepted; console or json is"),
        ({"REMISSION_DATABASE": ""}, "database: is empty"),
        ({"REMISSION_TLS_KEY": "key.pem"}, "tls_certificate, tls_key: one alone is not accepted"),
        ({"REMISSION_TLS_CLIENT_AUTHORITY": "ca.pem"}, "tls_client_authority: needs tls_certificate and tls_key"),
        ({"REMISSION_TLS_REVOKED": "list"}, "tls_revoked: needs tls_client_authority"),
        ({"REMISSION_CONNECTION_SECONDS": "0"}, "connection_seconds: 0.0 is not accepted; 1 to 86400 is"),
        ({"REMISSION_PROVIDERS": "prom=a"}, "providers: needs tls_client_authority"),
        ({"REMISSION_PROVIDERS": "prom"}, "providers: 'prom' is not accepted; PROVIDER=NAME is"),
        ({"REMISSION_PROVIDERS": "prom=a, =b"}, "providers: '=b' is not accepted; PROVIDER=NAME is"),
        ({"REMISSION_TLS_CERTIFICATE": "/no", "REMISSION_TLS_KEY": "/no"}, "tls_certificate: '/no' cannot be read"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_by_name(environment: dict[str, str], named: str) -> None:
    assert named in refusal(environment=environment)


def test_a_provider_is_bound_to_as_many_certificates_as_are_listed() -> None:
    made = Settings(providers="prom = a.example, otel=b.example,prom=c.example")

    assert made.speakers == {"prom": {"a.example", "c.example"}, "otel": {"b.example"}}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])  # noqa: S104 - they are refused
def test_an_address_for_others_needs_certificates_on_both_sides(host: str) -> None:
    told = refusal(host=host)

    assert told.startswith(f"host: {host!r} can be reached from other machines")
    assert "tls_certificate, tls_key and tls_client_authority" in told


@pytest.mark.parametrize("host", ["127.0.0.9", "::1", "[::1]", "localhost"])
def test_every_loopback_address_is_accepted(host: str) -> None:
    assert load(None, {}, host=host).host == host


def test_an_address_of_ipv6_is_written_in_brackets() -> None:
    assert Settings(host="::1", port=1).address == "[::1]:1"
    assert Settings(host="[::1]", port=1).address == "[::1]:1"


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal(tmp_path / "absent.toml")
    assert "is no TOML" in refusal(written(tmp_path, "port ="))


def test_artefacts_are_kept_in_a_folder_and_in_no_file_and_a_path_where_nothing_stands_will_do(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")

    for place in (str(tmp_path), str(tmp_path / "nothing"), "memory://a"):
        assert to_serve(Settings(artifacts=place)).artifacts == place
    with pytest.raises(SettingsInvalid, match=r"artifacts: '.*file' is no folder that this user can write; such"):
        to_serve(Settings(artifacts=str(file)))
