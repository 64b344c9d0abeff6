"""Invented names of people, places and firms, put together from syllables, and the words of a name that stay as they are.

Hardly anybody is called so, and no dictionary has them: where an answer says one, it means the value that it stands for.
"""

_GIVEN = (
    "Al Bren Cor Dar El Fen Gwen Hal Is Jar Kel Lor Mer Nor Or Per Quin Ros Sel Tal Ul Ver Wyl Yor Zel",
    "| a e i o an er",
    "wyn dric lith mond vane bette ric nia rine della thea mina bard win",
)
_HEADS = (
    "Ald Bram Cald Dren Eld Fenn Garr Hulm Iver Jarr Kell Lorn Marl Nyl Orm Pell Quill Rav Skel Thorn Uld Vorn Wend Yarr Zeld"
    " Brack Crann Dask Farn Glim Hesk Kest Lisk Mold Norr Pask Rusk Strell Tarn Wisk"
)
_FAMILY = (
    _HEADS,
    "| er ing",
    "acre bourne by combe croft den dyke fell garth holt hurst low man mere mont ness quist rick shaw sley stad thorpe vik worth",
)
_PLACE = (
    _HEADS,
    "| en el",
    "au berg borough brook bury by dale ford furt gate ham haven heim minster mouth port sted ton ville wick",
)
FAMILIES = {
    family: [[part.strip("|") for part in parts.split()] for parts in given]
    for family, given in (("given", _GIVEN), ("family", _FAMILY), ("place", _PLACE))
}
"""The parts that the names of a family have, first to last; a `|` is none."""
_TITLES = (
    " mr mrs ms miss mx dr prof sir dame lord lady herr frau herrn familie monsieur madame mademoiselle mme mlle señor"
    " señora sr sra don doña signor signora sig dott avv dhr mevr mevrouw pan pani senhor senhora professor doctor doktor"
    " councillor judge captain rev "
)
_PARTICLES = (
    " van der den de la le les du des del della dei di da do dos das von vom zu zum zur bin ibn al el ter ten y e und and"
    " the of am an im auf in "
)
_FORMS = (
    " street st road rd avenue ave av boulevard blvd lane ln drive dr court ct close place pl square sq terrace way highway"
    " hwy row parkway pkwy crescent flat apt apartment suite unit floor po box strasse straße str weg gasse allee platz ring"
    " ufer damm rue impasse chemin quai cours allée calle avenida avda plaza paseo carretera via viale piazza corso vicolo"
    " largo rua praça travessa estrada alameda straat laan plein gracht kade ul ulica aleja plac os osiedle gatan vägen gate"
    " vei gmbh ag kg se ev inc incorporated llc ltd limited plc llp corp corporation sa sas sarl spa srl bv nv ab asa oy oyj"
    " holding holdings group bank university hospital institute foundation college insurance ministry department museum"
    " council co sons "
)


def stays(word: str, *, person: bool) -> bool:
    """Whether a word of a name tells nothing by itself: a title, a particle, the form of a street or of a firm."""
    lower = f" {word.lower()} "
    if person:
        return lower in _TITLES or (word.islower() and lower in _PARTICLES)
    return lower in _PARTICLES or lower in _FORMS


def invented(family: str, number: int) -> str:
    """The name of a family that has this number."""
    name = ""
    for parts in FAMILIES[family]:
        number, part = divmod(number, len(parts))
        name += parts[part]
    return name
