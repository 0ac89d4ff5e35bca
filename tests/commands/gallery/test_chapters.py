"""The chapters of the gallery name what exists."""

from minivis.commands.gallery.chapters import CHAPTERS, PHOTOGRAPHS
from minivis.commands.gallery.sections import SECTIONS
from minivis.weights import catalogue


def test_the_chapters_name_nets_photographs_and_sections_that_exist():
    for chapter in CHAPTERS:
        assert chapter.net in catalogue.CATALOGUE
        assert set(chapter.keys) <= {section.key for section in SECTIONS}
        assert chapter.photograph is None or chapter.photograph in PHOTOGRAPHS
