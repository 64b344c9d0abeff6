from outgate.policy.schema import GatewaySection
from outgate.server.at_start import AtStart


def test_what_only_a_restart_changes_is_named(tmp_path):
    (tmp_path / "clients.pem").write_text("one")
    first = GatewaySection(client_ca="clients.pem")
    taken = AtStart(first, tmp_path)
    limits = first.limits.model_copy(update={"body_bytes": 1})

    assert () == taken.changed(first)
    assert ("gateway.limits.body_bytes",) == taken.changed(first.model_copy(update={"limits": limits}))
    assert ("gateway.listen", "gateway.transparent") == taken.changed(
        first.model_copy(update={"listen": "127.0.0.1:1", "transparent": "127.0.0.1:2"})
    )
    assert ("gateway.client_ca",) == taken.changed(first.model_copy(update={"client_ca": ""}))
    (tmp_path / "clients.pem").write_text("two")
    assert ("gateway.client_ca",) == taken.changed(first)
