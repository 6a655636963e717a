"""The language of a sound track as MP4 writes it: three letters of ISO 639-2/T, from a BCP 47 tag.

Players offer tracks by this field. Knows no locale's words, numbers or scripts.
"""

from __future__ import annotations

import re

#: ISO 639-1 and ISO 639-2/T side by side, two letters and three, as the registration authority lists them (2026-11).
_TWO_AND_THREE = """
aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul bhbih bibis bmbam bnben
bobod brbre bsbos cacat ceche chcha cocos crcre csces cuchu cvchv cycym dadan dedeu dvdiv dzdzo eeewe elell eneng
eoepo esspa etest eueus fafas ffful fifin fjfij fofao frfra fyfry gagle gdgla glglg gngrn guguj gvglv hahau heheb
hihin hohmo hrhrv hthat huhun hyhye hzher iaina idind ieile igibo iiiii ikipk ioido isisl itita iuiku jajpn jvjav
kakat kgkon kikik kjkua kkkaz klkal kmkhm knkan kokor krkau kskas kukur kvkom kwcor kykir lalat lbltz lglug lilim
lnlin lolao ltlit lulub lvlav mgmlg mhmah mimri mkmkd mlmal mnmon mrmar msmsa mtmlt mymya nanau nbnob ndnde nenep
ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs papan pipli plpol pspus ptpor quque rmroh
rnrun roron rurus rwkin sasan scsrd sdsnd sesme sgsag sisin skslk slslv smsmo snsna sosom sqsqi srsrp ssssw stsot
susun svswe swswa tatam tetel tgtgk ththa titir tktuk tltgl tntsn toton trtur tstso tttat twtwi tytah uguig ukukr
ururd uzuzb veven vivie vovol wawln wowol xhxho yiyid yoyor zazha zhzho zuzul
"""
_THREE = {pair[:2]: pair[2:] for pair in _TWO_AND_THREE.split()}


def iso_639_2(tag: str) -> str:
    """`es-MX` -> `spa`, `zh-Hant-TW` -> `zho`; a three-letter language (`fil`) stays as it is.

    Raises: ValueError when the tag does not start with a known language.
    """
    primary = re.split("[-_]", tag, maxsplit=1)[0].lower()
    if re.fullmatch("[a-z]{3}", primary):
        return primary
    if primary not in _THREE:
        raise ValueError(f"{tag!r} does not start with a language of ISO 639")
    return _THREE[primary]
