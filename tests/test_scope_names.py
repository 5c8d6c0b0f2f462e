"""What `dir` lists in recorded code."""

import pytest

import jacrs


class Listed:
    size = 2

    def __init__(self):
        self.own = 1.0

    def method(self):
        return self.own


class ListedInSlots(Listed):
    __slots__ = ("place",)


class AllInSlots:
    __slots__ = ("first", "second")


class ListsItself(Listed):
    def __dir__(self):
        return ["b", "a"]


@pytest.mark.parametrize("cls", [Listed, ListedInSlots, AllInSlots, ListsItself])
@pytest.mark.parametrize("way", [lambda f: f, jacrs.compile], ids=["plain", "compiled"])
def test_the_names_of_objects_and_classes_are_those_outside(cls, way):
    subject = cls()

    def f(x):
        return x, (",".join(dir(subject)), ",".join(dir(cls)))

    _, _, found = jacrs.jvp(way(f), (1.0,), (1.0,), has_aux=True)
    assert found == (",".join(dir(subject)), ",".join(dir(cls)))


def test_the_names_of_a_class_made_inside_are_its_own_too():
    def f(x):
        class Inner(Listed):
            added = 3

        return x, ",".join(dir(Inner())) + ";" + ",".join(dir(Inner))

    _, _, found = jacrs.jvp(f, (1.0,), (1.0,), has_aux=True)
    assert found == f(1.0)[1]
