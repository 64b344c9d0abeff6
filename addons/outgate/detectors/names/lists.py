"""Countries by their names, and organisations by their legal form: what needs no model.

Written for normalised text, which has no accents. A country counts in capitals only.
"""

import re
from collections.abc import Iterator

_COUNTRIES = """
Afghanistan|Albania|Algeria|Andorra|Angola|Antigua and Barbuda|Argentina|Armenia|Aruba|Australia|Austria|Azerbaijan|Bahamas
Bahrain|Bangladesh|Barbados|Belarus|Belgium|Belize|Benin|Bermuda|Bhutan|Bolivia|Bosnia and Herzegovina|Bosnia|Botswana|Brazil
Brunei|Bulgaria|Burkina Faso|Burundi|Cambodia|Cameroon|Canada|Cape Verde|Cabo Verde|Cayman Islands|Central African Republic|Chad
Chile|China|Colombia|Comoros|Congo|Cook Islands|Costa Rica|Cote d'Ivoire|Croatia|Cuba|Curacao|Cyprus|Czech Republic|Czechia
Denmark|Djibouti|Dominica|Dominican Republic|East Timor|Ecuador|Egypt|El Salvador|England|Equatorial Guinea|Eritrea|Estonia
Eswatini|Ethiopia|Falkland Islands|Faroe Islands|Fiji|Finland|France|French Guiana|French Polynesia|Gabon|Gambia|Germany|Ghana
Gibraltar|Great Britain|Greece|Greenland|Grenada|Guadeloupe|Guam|Guatemala|Guernsey|Guinea|Guinea-Bissau|Guyana|Haiti|Honduras
Hong Kong|Hungary|Iceland|India|Indonesia|Iran|Iraq|Ireland|Isle of Man|Israel|Italy|Ivory Coast|Jamaica|Japan|Jordan|Kazakhstan
Kenya|Kiribati|Kosovo|Kuwait|Kyrgyzstan|Laos|Latvia|Lebanon|Lesotho|Liberia|Libya|Liechtenstein|Lithuania|Luxembourg|Macao|Macau
Macedonia|North Macedonia|Madagascar|Malawi|Malaysia|Maldives|Mali|Malta|Marshall Islands|Martinique|Mauritania|Mauritius
Mayotte|Mexico|Micronesia|Moldova|Monaco|Mongolia|Montenegro|Montserrat|Morocco|Mozambique|Myanmar|Namibia|Nauru|Nepal
Netherlands|The Netherlands|New Caledonia|New Zealand|Nicaragua|Niger|Nigeria|Niue|North Korea|Northern Ireland
Northern Mariana Islands|Norway|Oman|Pakistan|Palau|Palestine|Panama|Papua New Guinea|Paraguay|Peru|Philippines|Poland|Portugal
Puerto Rico|Qatar|Reunion|Romania|Russia|Russian Federation|Rwanda|Saint Kitts and Nevis|Saint Lucia
Saint Vincent and the Grenadines|Samoa|American Samoa|San Marino|Saudi Arabia|Scotland|Senegal|Serbia|Seychelles|Sierra Leone
Singapore|Sint Maarten|Slovakia|Slovenia|Solomon Islands|Somalia|South Africa|South Korea|South Sudan|Spain|Sri Lanka|Sudan
Suriname|Svalbard|Swaziland|Sweden|Switzerland|Syria|Taiwan|Tajikistan|Tanzania|Thailand|Timor-Leste|Togo|Tokelau|Tonga
Trinidad and Tobago|Tunisia|Turkey|Turkiye|Turkmenistan|Turks and Caicos Islands|Tuvalu|Uganda|Ukraine|United Arab Emirates
United Kingdom|United States|United States of America|Uruguay|Uzbekistan|Vanuatu|Vatican City|Venezuela|Vietnam
Virgin Islands|Wales|Western Sahara|Yemen|Zambia|Zimbabwe|U\\.K\\.|U\\.S\\.A?\\.|USA|UAE|Deutschland|Osterreich|Schweiz
Frankreich|Italien|Spanien|Niederlande|Polen|Espana|Alemania|Francia|Italia|Mexico|Perú|Brasil|Argentine|Allemagne|Espagne
Suisse|Belgique|Maroc|Algerie|Tunisie|Pologne|Nederland|België|Polska|Niemcy|Sverige|Norge|Danmark|Suomi|Deutschlands|Portogallo
Svizzera
"""


def _pattern(names: str) -> re.Pattern[str]:
    known = sorted({name for line in names.strip().splitlines() for name in line.split("|")}, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(known)})(?![\w-])")


_COUNTRY = _pattern(_COUNTRIES)
_FORM = (
    r"(?:GmbH(?: & Co\. KG)?|AG|KG|SE|e\.V\.|Inc\.?|Incorporated|LLC|L\.L\.C\.|Ltd\.?|Limited|PLC|plc|LLP|Corp\.?|Corporation"
    r"|S\.A\.|SA|SAS|SARL|S\.p\.A\.|SpA|S\.r\.l\.|Srl|B\.V\.|BV|N\.V\.|NV|AB|ASA|A/S|ApS|Oy|Oyj|Sp\. z o\.o\.|s\.r\.o\.|d\.o\.o\."
    r"|Pty Ltd|Pvt\.? Ltd|K\.K\.|S\.L\.|Holdings?|Group)"
)
_NAME = r"[A-Z][\w&'.-]*"
_LEGAL = re.compile(rf"\b{_NAME}(?:(?: | & | and |, ){_NAME}){{0,4}},? {_FORM}(?!\w)")
_INSTITUTION = re.compile(
    rf"\b(?:(?:University|Ministry|Bank|Institute|Hospital|Department|College|Museum) of(?: the)? {_NAME}(?: {_NAME}){{0,2}}"
    rf"|{_NAME}(?: {_NAME}){{0,3}} (?:University|Bank|Hospital|Institute|Foundation|College|Airlines|Insurance|Council))\b"
)


def countries(text: str) -> Iterator[tuple[int, int]]:
    """Where countries stand."""
    return (found.span() for found in _COUNTRY.finditer(text))


def organisations(text: str) -> Iterator[tuple[int, int]]:
    """Where organisations stand that their form gives away; many have none, and are not found."""
    for pattern in (_LEGAL, _INSTITUTION):
        yield from (found.span() for found in pattern.finditer(text))
