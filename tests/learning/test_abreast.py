"""Networks run side by side as one say what each says alone."""

import pytest

torch = pytest.importorskip("torch", reason="the networks are PyTorch's")
from desktop.learning.abreast import Abreast  # noqa: E402  # PyTorch may be missing
from desktop.learning.network import SmallNetwork, distance, distances  # noqa: E402  # PyTorch may be missing
from desktop.learning.picture_network import (  # noqa: E402  # PyTorch may be missing
    Measures,
    PictureEnsemble,
    PictureMember,
    Ridge,
    corner_mask,
)

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
    together = Abreast(networks).eval()
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
    together = Abreast(networks).eval()
    with torch.no_grad():
        logits, maps, _ = together(torch.randn(2, 1, 32, 32))
        found = together.activations(maps)
        for place, network in enumerate(networks):
            weight = network.head.weight
            each = weight[:, :16] + weight[:, 16:] if peaks else weight
            wanted = torch.einsum("fc,ncyx->nfyx", each, maps[:, place])
            assert torch.allclose(found[:, place], wanted, atol=1e-4)
            assert torch.allclose(network.activations(maps[:, place]), wanted, atol=1e-4)
            if not peaks:
                assert torch.allclose(found[:, place].mean((2, 3)), logits[:, place] - network.head.bias, atol=1e-4)


@pytest.mark.parametrize("corners", [0.0, 0.2])
def test_the_shipped_ensemble_is_its_members_and_their_lines(corners: float) -> None:
    torch.manual_seed(9)
    networks = [learned(seed, fold=4, peaks=True, channels=1) for seed in range(2)]
    measures, films = Measures(80, 0.075, texture=True), torch.randn(3, 1, 80, 80)
    mask = corner_mask(80, corners) if corners else None
    numbers = measures(films if mask is None else films * mask)
    members = [
        PictureMember(
            network,
            Ridge(torch.randn(numbers.shape[1], 3) / 50, torch.randn(3)),
            torch.rand(2, 3) + 0.5,
            torch.randn(32),
            torch.randn(32, 32),
        )
        for network in networks
    ]
    with torch.no_grad():
        said = PictureEnsemble(members, mask, measures).eval()(films)
        logits, activation, embedding, away, each = said
        for place, member in enumerate(members):
            alone = member.network(films if mask is None else films * mask)
            assert member.ridge is not None
            told = numbers @ member.ridge.weights + member.ridge.bias
            assert torch.allclose(each[:, place], alone[0] * member.scales[0] + told * member.scales[1], atol=1e-3)
            assert torch.allclose(embedding[:, place * 32 : (place + 1) * 32], alone[2] - member.mean, atol=1e-4)
        shown = Abreast(networks)(films if mask is None else films * mask)[1]
        maps = Abreast(networks).activations(shown)
        wanted = sum(maps[:, place] * member.scales[0][:, None, None] for place, member in enumerate(members)) / 2
        assert torch.allclose(activation, wanted, atol=1e-3)
        assert torch.allclose(logits, each.mean(1), atol=1e-5)
        alone = [
            distance(member.network(films if mask is None else films * mask)[2], member.mean, member.whitening)
            for member in members
        ]
        assert torch.allclose(away, sum(alone) / 2, atol=1e-3)


def test_halves_that_are_not_measured_alike_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 80"):
        Measures(120, 0.075, texture=False)
    assert Measures(120, 0.0, texture=False)(torch.randn(1, 1, 120, 120)).shape[0] == 1
    with pytest.raises(ValueError, match="surroundings"):
        Measures(80, 0.0, texture=True)


def test_distances_are_the_mean_of_each_members_distance() -> None:
    torch.manual_seed(4)
    embeddings, means, whitenings = torch.randn(5, 3, 6), torch.randn(3, 6), torch.randn(3, 6, 6)
    each = [distance(embeddings[:, place], means[place], whitenings[place]) for place in range(3)]
    assert torch.allclose(distances(embeddings, means, whitenings), sum(each) / 3, atol=1e-5)
