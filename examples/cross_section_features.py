"""Features of each symbol, and where it stands among the others: see docs/features.md."""

from tickcast_modelkit.features import CORE, FeatureSet, Rank

RANKED = FeatureSet(
    name="ranked",
    window=CORE.window,
    minimum_bars=CORE.minimum_bars,
    features=CORE.features,
    ranks=(
        # What rose most over a month, and what fell most over a day, beside its peers.
        Rank("rank_return_21", of="return_21"),
        Rank("rank_return_1", of="return_1"),
        Rank("rank_realised_volatility_20", of="realised_volatility_20"),
        Rank("rank_volume_surprise_20", of="volume_surprise_20"),
    ),
)
