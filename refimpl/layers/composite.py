"""Layers made of layers: one after another, with the input added, or token by token."""


class Stage:
    """Layers one after another, as one layer: no noise between them.

    Equation: eq:layers
    """

    def __init__(self, *layers):
        self.layers = layers
        self.inputs, self.width = layers[0].inputs, layers[-1].width
        self.shapes = tuple(shape for layer in layers for shape in layer.shapes)

    def _own(self, parameters):
        arrays = iter(parameters)
        return [tuple(next(arrays) for _ in layer.shapes) for layer in self.layers]

    def run(self, parameters, x):
        """Outputs of the last layer, and (x, memory) of every one."""
        kept = []
        for layer, own in zip(self.layers, self._own(parameters)):
            h, memory = layer.run(own, x)
            kept.append((x, memory))
            x = h
        return x, kept

    def backward(self, parameters, x, memory, dh):
        """Derivatives for the parameters and x, given that for the outputs."""
        gradient = ()
        each = zip(self.layers, self._own(parameters), memory)
        for layer, own, (x, kept) in reversed(list(each)):
            own_gradient, dh = layer.backward(own, x, kept, dh)
            gradient = (*own_gradient, *gradient)
        return gradient, dh

    def push(self, parameters, x, memory, parameters_push, x_push):
        """(ẋ, its memory) of every layer, and the derivative of the outputs."""
        kept = []
        own_pushes = self._own(parameters_push)
        each = zip(self.layers, self._own(parameters), memory, own_pushes)
        for layer, own, (x, inner), own_push in each:
            z_push, h_push = layer.push(own, x, inner, own_push, x_push)
            kept.append((x_push, z_push))
            x_push = h_push
        return kept, x_push

    def backward_push(
        self, parameters, x, memory, dh, parameters_push, x_push, z_push, dh_push
    ):
        """Directional derivatives of `backward`, and δx."""
        owns = zip(self._own(parameters), self._own(parameters_push))
        each = list(zip(self.layers, owns, memory, z_push))
        gradient_push = ()
        for layer, (own, own_push), (x, inner), (x_push, z) in reversed(each):
            along = own_push, x_push, z, dh_push
            found, dh_push, dh = layer.backward_push(own, x, inner, dh, *along)
            gradient_push = (*found, *gradient_push)
        return gradient_push, dh_push, dh


class Residual(Stage):
    """x + what the layers make of x. Equation: eq:residual"""

    def run(self, parameters, x):
        """Outputs, and (x, memory) of every layer."""
        h, memory = super().run(parameters, x)
        return x + h, memory

    def backward(self, parameters, x, memory, dh):
        """Derivatives for the parameters and x, given that for the outputs."""
        gradient, dx = super().backward(parameters, x, memory, dh)
        return gradient, dh + dx

    def push(self, parameters, x, memory, parameters_push, x_push):
        """(ẋ, its memory) of every layer, and the derivative of the outputs."""
        kept, h_push = super().push(parameters, x, memory, parameters_push, x_push)
        return kept, x_push + h_push

    def backward_push(
        self, parameters, x, memory, dh, parameters_push, x_push, z_push, dh_push
    ):
        """Directional derivatives of `backward`, and δx."""
        along = parameters_push, x_push, z_push, dh_push
        found, dx_push, dx = super().backward_push(parameters, x, memory, dh, *along)
        return found, dh_push + dx_push, dh + dx


class Tokenwise:
    """A layer of each token alone, the same for all: x (..., n, tokens · inputs).

    A token is a sample of the layer inside. Equation: eq:tokenwise
    """

    def __init__(self, tokens, layer):
        self.tokens, self.layer, self.shapes = tokens, layer, layer.shapes
        self.inputs, self.width = tokens * layer.inputs, tokens * layer.width

    def run(self, parameters, x):
        """Outputs, and the memory of the layer inside."""
        h, memory = self.layer.run(parameters, self._apart(x))
        return self._together(h), memory

    def backward(self, parameters, x, memory, dh):
        """Derivatives for the parameters and x, given that for the outputs."""
        x, dh = self._apart(x), self._apart(dh)
        gradient, dx = self.layer.backward(parameters, x, memory, dh)
        return gradient, self._together(dx)

    def push(self, parameters, x, memory, parameters_push, x_push):
        """The push's memory of the layer inside, and the derivative of the outputs."""
        x, x_push = self._apart(x), self._apart(x_push)
        kept, h_push = self.layer.push(parameters, x, memory, parameters_push, x_push)
        return kept, self._together(h_push)

    def backward_push(
        self, parameters, x, memory, dh, parameters_push, x_push, z_push, dh_push
    ):
        """Directional derivatives of `backward`, and δx."""
        x, dh, x_push, dh_push = map(self._apart, (x, dh, x_push, dh_push))
        along = parameters_push, x_push, z_push, dh_push
        found, *passed = self.layer.backward_push(parameters, x, memory, dh, *along)
        return found, *map(self._together, passed)

    def _apart(self, x):
        """(..., n · tokens, features) of (..., n, tokens · features)."""
        *lead, n, size = x.shape
        return x.reshape((*lead, n * self.tokens, size // self.tokens))

    def _together(self, x):
        """(..., n, tokens · features) of (..., n · tokens, features)."""
        *lead, rows, features = x.shape
        return x.reshape((*lead, rows // self.tokens, self.tokens * features))
