"""The places a film can be set in: name -> the painter that puts its layers on a stage, back to front.

A painter never fails and never leaves the frame empty. A new place is a function here and its words in lexicon.toml.
"""

from __future__ import annotations

from collections.abc import Callable

from generation.engines.animatic.places import abstract, city, forest, land, market, road, room, sea, shop, sky, studio
from generation.engines.animatic.stage import Stage

PLACES: dict[str, Callable[[Stage], None]] = {
    "sea": sea.paint_sea,
    "beach": sea.paint_beach,
    "lake": sea.paint_lake,
    "mountain": land.paint_mountain,
    "desert": land.paint_desert,
    "field": land.paint_field,
    "forest": forest.paint_forest,
    "city": city.paint_city,
    "street": city.paint_street,
    "road": road.paint_road,
    "market": market.paint_market,
    "shop": shop.paint_shop,
    "room": room.paint_room,
    "kitchen": room.paint_room,
    "cafe": room.paint_room,
    "office": room.paint_room,
    "bedroom": room.paint_room,
    "gym": room.paint_room,
    "studio": studio.paint_studio,
    "sky": sky.paint_sky_scene,
    "space": sky.paint_space,
    "abstract": abstract.paint_abstract,
}
