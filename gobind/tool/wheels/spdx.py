"""Recognises the licences that most Go modules have, by their whole text; anything else is left to people.

A text is recognised if, its title and copyright lines left out, each of its words is that of the licence: one sentence more or
less, two licences in one file, a name in the warranty that is none, and it is not. The texts are those of the SPDX licence
list (https://spdx.org/licenses). Punctuation, case, line breaks and the marks of lists do not count.
"""

from __future__ import annotations

import hashlib
import re

_COPYRIGHT = re.compile(r"(?:portions\s+)?copyright\b|\(c\)|©|all rights reserved", re.IGNORECASE)
# Numbers and single letters are marks of lists, of which each edition has its own, or stand in all of them.
_WORD = re.compile(r"[a-z]{2,}")

_TITLES = frozenset(
    " ".join(_WORD.findall(title))
    for title in """
    license; licence; mit license; the mit license; the mit license mit; mit license mit; mit license expat; isc license;
    the isc license; isc license isc; bsd license; the bsd license; new bsd license; simplified bsd license;
    bsd clause license; the bsd clause license; the clause bsd license; bsd clause simplified license;
    bsd clause new or revised license; apache license; apache license version; apache license version january; version january;
    http www apache org licenses; https www apache org licenses; mozilla public license version; the unlicense; unlicense
    """.split(";")
)

_AS_IS = (
    "the software is provided as is without warranty of any kind express or implied including but not limited to the"
    " warranties of merchantability fitness for a particular purpose and noninfringement in no event shall the authors"
    "{} be liable for any claim damages or other liability whether in an action of contract tort or otherwise arising"
    " from out of or in connection with the software or the use or other dealings in the software"
)
_BSD = (
    "redistribution and use in source and binary forms with or without modification are permitted provided that the"
    " following conditions are met redistributions of source code must retain the above copyright notice this list of"
    " conditions and the following disclaimer redistributions in binary form must reproduce the above copyright notice"
    " this list of conditions and the following disclaimer in the documentation and or other materials provided with"
    " the distribution{} this software is provided by NAME as is and any express or implied warranties"
    " including but not limited to the implied warranties of merchantability and fitness for a particular purpose are"
    " disclaimed in no event shall NAME be liable for any direct indirect incidental special exemplary"
    " or consequential damages including but not limited to procurement of substitute goods or services loss of use"
    " data or profits or business interruption however caused and on any theory of liability whether in contract strict"
    " liability or tort including negligence or otherwise arising in any way out of the use of this software even if"
    " advised of the possibility of such damage"
)
_TEXTS = {
    "MIT": "permission is hereby granted free of charge to any person obtaining a copy of this software and associated"
    " documentation files the software to deal in the software without restriction including without limitation the"
    " rights to use copy modify merge publish distribute sublicense and or sell copies of the software and to permit"
    " persons to whom the software is furnished to do so subject to the following conditions the above copyright notice"
    " and this permission notice (?:including the next paragraph )?shall be included in all copies or substantial portions of the software "
    + _AS_IS.format(" or copyright holders"),
    "ISC": "permission to use copy modify and(?: or)? distribute this software for any purpose with or without fee is"
    " hereby granted provided that the above copyright notice and this permission notice appear in all copies the"
    " software is provided as is and the author disclaims all warranties with regard to this software including all"
    " implied warranties of merchantability and fitness in no event shall the author be liable for any special direct"
    " indirect or consequential damages or any damages whatsoever resulting from loss of use data or profits whether in"
    " an action of contract negligence or other tortious action arising out of or in connection with the use or"
    " performance of this software",
    "BSD-2-Clause": _BSD.format(""),
    "BSD-3-Clause": _BSD.format(
        " neither the names? of NAME nor the names of (?:its |the |any )?contributors may be used to endorse"
        " or promote products derived from this software without specific prior written permission"
    ),
    "Unlicense": "this is free and unencumbered software released into the public domain anyone is free to copy modify"
    " publish use compile sell or distribute this software either in source code form or as a compiled binary for any"
    " purpose commercial or non commercial and by any means in jurisdictions that recognize copyright laws the author or"
    " authors of this software dedicate any and all copyright interest in the software to the public domain we make this"
    " dedication for the benefit of the public at large and to the detriment of our heirs and successors we intend this"
    " dedication to be an overt act of relinquishment in perpetuity of all present and future rights to this software"
    " under copyright law "
    + _AS_IS.format("")
    + "(?: for more information please refer to https? (?:www )?unlicense org)?",
}
_PATTERNS = {
    name: re.compile(re.sub(r"\b[a-z] ", "", text).replace("NAME", "[a-z ]{1,80}"))
    for name, text in _TEXTS.items()
}

# The long ones, by the sha256 of their words.
_DIGESTS = {
    "5dbfaec37a97bd3ef694829238df4997ecac3b05ea4760770ee383db17573817": "Apache-2.0",
    "ca2075c595ae9a69ea0ff58e5820876f8b738dbd92e1f8a9755995b8b5a75da6": "MPL-2.0",
}

# What follows Apache's: how to apply it, which belongs to no licence.
_APACHE_END = " end of terms and conditions"
_APACHE_HINT = re.compile(
    "(?: appendix how to apply the apache license to your work to apply the apache license to your work attach the following"
    " boilerplate notice with the fields enclosed by brackets replaced with your own identifying information don include the"
    " brackets the text should be enclosed in the appropriate comment syntax for the file format we also recommend that file"
    " or class name and description of purpose be included on the same printed page as the copyright notice for easier"
    " identification within third party archives)?(?: copyright [a-z ]{1,80} licensed under the apache license version the"
    " license you may not use this file except in compliance with the license you may obtain copy of the license at"
    " https? www apache org licenses license unless required by applicable law or agreed to in writing software distributed"
    " under the license is distributed on an as is basis without warranties or conditions of any kind either express or"
    " implied see the license for the specific language governing permissions and limitations under the license)?"
)


def recognise(content: bytes) -> str | None:
    """Returns the SPDX identifier of a licence text; None: it is none that is known here, or not only that."""
    words = _words(content.decode("utf-8", errors="replace"))
    for name, pattern in _PATTERNS.items():
        if pattern.fullmatch(words):
            return name
    body, _, hint = words.partition(_APACHE_END)
    found = _DIGESTS.get(hashlib.sha256(body.encode()).hexdigest())
    return found if _APACHE_HINT.fullmatch(hint) else None


def _words(text: str) -> str:
    """Returns the words of a licence behind its title and copyright lines."""
    lines = text.lstrip("\ufeff").splitlines()
    kept: list[str] = []
    for line in lines:
        words = " ".join(_WORD.findall(line.lower()))
        if not kept and (not words or words in _TITLES or _COPYRIGHT.match(line.strip())):
            continue
        kept.append(words)
    return re.sub(" +", " ", " ".join(kept)).strip().replace("non infringement", "noninfringement")
