"""Networks run side by side as one say what each says alone."""

import pytest

torch = pytest.importorskip("torch", reason="the networks are PyTorch's")
abreast = pytest.importorskip("desktop.learning.abreast", reason="it needs PyTorch")

from desktop.learning.network import SmallNetwork, distance, distances  # noqa: E402

pytestmark = pytest.mark.torch


def learned(seed: int, *, fold: int, peaks: bool, channels: int) -> SmallNetwork:
    """A network whose every number is another one, as after a training."""
    torch.manual_seed(seed)
    network = SmallNetwork((8, 16), (1, 1), 3, channels=channels, fold=fold, peaks=peaks)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_()
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2.0)
    return network.eval()


@pytest.mark.parametrize(("fold", "peaks", "channels"), [(4, False, 1), (4, True, 1), (2, True, 3), (1, False, 1)])
def test_each_member_says_what_it_says_alone(fold: int, peaks: bool, channels: int) -> None:
    networks = [learned(seed, fold=fold, peaks=peaks, channels=channels) for seed in range(3)]
    pictures = torch.randn(2, channels, 32, 32)
    together = abreast.Abreast(networks).eval()
    with torch.no_grad():
        logits, maps, embeddings = together(pictures)
        for place, network in enumerate(networks):
            alone = network(pictures)
            assert torch.allclose(logits[:, place], alone[0], atol=1e-4)
            assert torch.allclose(maps[:, place], alone[1], atol=1e-4)
            assert torch.allclose(embeddings[:, place], alone[2], atol=1e-4)
    assert not torch.allclose(logits[:, 0], logits[:, 1], atol=1e-2)


@pytest.mark.parametrize("peaks", [False, True])
def test_the_map_of_each_member_is_made_of_its_own_head(peaks: bool) -> None:
    networks = [learned(seed, fold=2, peaks=peaks, channels=1) for seed in range(2)]
    together, scales = abreast.Abreast(networks).eval(), torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    with torch.no_grad():
        maps = together(torch.randn(2, 1, 32, 32))[1]
        found = together.activations(maps, scales)
        for place, network in enumerate(networks):
            weight = network.head.weight
            each = weight[:, :16] + weight[:, 16:] if peaks else weight
            wanted = torch.einsum("fc,ncyx->nfyx", each * scales[place][:, None], maps[:, place])
            assert torch.allclose(found[place], wanted, atol=1e-4)
        assert torch.allclose(together.activations(maps)[1] * scales[1][:, None, None], found[1], atol=1e-4)


def test_distances_are_the_mean_of_each_members_distance() -> None:
    torch.manual_seed(4)
    embeddings, means, whitenings = torch.randn(5, 3, 6), torch.randn(3, 6), torch.randn(3, 6, 6)
    each = [distance(embeddings[:, place], means[place], whitenings[place]) for place in range(3)]
    assert torch.allclose(distances(embeddings, means, whitenings), sum(each) / 3, atol=1e-5)
