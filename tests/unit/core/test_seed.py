from harness.core.seed import Seed


def test_the_same_path_draws_the_same_numbers() -> None:
    one = Seed(7).derive("load", "arrivals").rng()
    two = Seed(7).derive("load").derive("arrivals").rng()
    assert [one.random() for _ in range(5)] == [two.random() for _ in range(5)]


def test_paths_and_values_keep_apart() -> None:
    seeds = [
        Seed(7),
        Seed(8),
        Seed(7).derive("a"),
        Seed(7).derive("b"),
        Seed(7).derive("a", "b"),
        Seed(7).derive("ab"),
    ]
    assert len({seed.number() for seed in seeds}) == len(seeds)


def test_the_numbers_are_the_same_in_every_version() -> None:
    assert Seed(1).derive("x").number() == 0x4D8BCE2375920758
