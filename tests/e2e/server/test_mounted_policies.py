"""Policies mounted as Kubernetes mounts a ConfigMap, or behind a link to the release in force: the given name is watched."""

from e2e.load import ask
from e2e.world import STAGES, World

REFUSING = STAGES.replace("passthrough: true", "models: {only: [{provider: openai, model: gpt-4o-mini}]}")


def swap(folder, link, release):
    """Move the link over the old one, as the kubelet does."""
    fresh = folder / f".{link}.new"
    fresh.symlink_to(release)
    fresh.rename(folder / link)


def release(folder, name, text, key):
    held = folder / name
    held.mkdir()
    (held / "policy.yaml").write_text(text)
    (held / "openai-key").write_text(key)


def test_a_config_map_that_is_swapped_takes_effect_and_so_do_the_files_beside_it(tmp_path, providers):
    world, mount = World(tmp_path, *providers), tmp_path / "mount"
    mount.mkdir()
    good = world.policy(STAGES).read_text().replace("{env: E2E_OPENAI_KEY}", "{file: openai-key}")
    release(mount, "..v1", good, "sk-first")
    release(mount, "..v2", good + "# the second\n", "sk-second")
    release(mount, "..v3", world.policy(REFUSING).read_text(), "sk-second")
    swap(mount, "..data", "..v1")
    for name in ("policy.yaml", "openai-key"):
        (mount / name).symlink_to(f"..data/{name}")

    def sent():
        assert ask(gateway) == 200
        return providers[0].seen[-1].header("authorization")

    with world.gateway(mount / "policy.yaml") as gateway:
        assert sent() == "Bearer sk-first"
        swap(mount, "..data", "..v2")
        assert gateway.wait(lambda: sent() == "Bearer sk-second", 15)
        swap(mount, "..data", "..v3")
        assert gateway.wait(lambda: ask(gateway) == 404, 15)


def test_a_link_to_the_release_in_force_is_followed_when_it_moves(tmp_path, providers):
    world, current = World(tmp_path, *providers), tmp_path / "current"
    release(tmp_path, "release-1", world.policy(STAGES).read_text(), "")
    release(tmp_path, "release-2", world.policy(REFUSING).read_text(), "")
    swap(tmp_path, "current", "release-1")

    with world.gateway(current / "policy.yaml") as gateway:
        assert ask(gateway) == 200
        swap(tmp_path, "current", "release-2")
        assert gateway.wait(lambda: ask(gateway) == 404, 15)
