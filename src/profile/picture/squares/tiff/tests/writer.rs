//! A small writer of TIFF files: any tags, right or wrong.

/// The order of bytes, and the size of offsets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) big_endian: bool,
    pub(super) long_offsets: bool,
}

impl Form {
    pub(super) const ALL: [Self; 4] = [
        Self { big_endian: false, long_offsets: false },
        Self { big_endian: true, long_offsets: false },
        Self { big_endian: false, long_offsets: true },
        Self { big_endian: true, long_offsets: true },
    ];

    /// The lowest `size` bytes of a number.
    pub(super) fn number(self, number: u64, size: usize) -> Vec<u8> {
        if self.big_endian { number.to_be_bytes()[8 - size..].to_vec() } else { number.to_le_bytes()[..size].to_vec() }
    }

    fn head(self) -> Vec<u8> {
        let letters: &[u8] = if self.big_endian { b"MM" } else { b"II" };
        let rest = if self.long_offsets {
            [self.number(43, 2), self.number(8, 2), vec![0; 10]].concat()
        } else {
            [self.number(42, 2), vec![0; 4]].concat()
        };
        [letters, &rest].concat()
    }
}

/// A page to be.
#[derive(Clone)]
pub(super) struct Tiff {
    form: Form,
    tags: Vec<(u16, u16, Vec<u64>)>,
    strips: Vec<Vec<u8>>,
    /// The tags of the places and of the lengths of the strips or tiles.
    places: [u16; 2],
    unsorted: bool,
}

impl Tiff {
    /// One strip of samples of so many bits.
    pub(super) fn new(sides: [u32; 2], bits: u64, samples: u64, photometric: u64, strip: &[u8]) -> Self {
        let tags = vec![
            (256, 4, vec![sides[0].into()]),
            (257, 4, vec![sides[1].into()]),
            (258, 3, vec![bits; samples as usize]),
            (259, 3, vec![1]),
            (262, 3, vec![photometric]),
            (277, 3, vec![samples]),
            (278, 4, vec![sides[1].into()]),
        ];
        Self { form: Form::ALL[0], tags, strips: vec![strip.to_vec()], places: [273, 279], unsorted: false }
    }

    pub(super) fn rgb(width: u32, height: u32, strip: &[u8]) -> Self {
        Self::new([width, height], 8, 3, 2, strip)
    }

    pub(super) fn grey(width: u32, height: u32, bits: u64, strip: &[u8]) -> Self {
        Self::new([width, height], bits, 1, 1, strip)
    }

    pub(super) fn form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    pub(super) fn strips(self, strips: Vec<Vec<u8>>) -> Self {
        Self { strips, ..self }
    }

    pub(super) fn tiles(self, [width, height]: [u32; 2], tiles: Vec<Vec<u8>>) -> Self {
        Self { places: [324, 325], ..self }.without(278).long(322, &[width]).long(323, &[height]).strips(tiles)
    }

    pub(super) fn unsorted(self) -> Self {
        Self { unsorted: true, ..self }
    }

    pub(super) fn without(mut self, tag: u16) -> Self {
        self.tags.retain(|it| it.0 != tag);
        if let Some(place) = self.places.iter_mut().find(|it| **it == tag) {
            *place = 0;
        }
        self
    }

    /// Sets a tag, in place of the same that the writer would set.
    fn tag(self, tag: u16, kind: u16, values: Vec<u64>) -> Self {
        let mut tiff = self.without(tag);
        tiff.tags.push((tag, kind, values));
        tiff
    }

    pub(super) fn short(self, tag: u16, values: &[u16]) -> Self {
        self.tag(tag, 3, values.iter().map(|it| (*it).into()).collect())
    }

    pub(super) fn long(self, tag: u16, values: &[u32]) -> Self {
        self.tag(tag, 4, values.iter().map(|it| (*it).into()).collect())
    }

    pub(super) fn bytes(self, tag: u16, values: &[u8]) -> Self {
        self.tag(tag, 7, values.iter().map(|it| (*it).into()).collect())
    }

    /// The file: strips, values, and the directory last.
    pub(super) fn file(self) -> Vec<u8> {
        let mut file = self.form.head();
        self.append(&mut file);
        file
    }

    /// The file of this page and another one, both of the plainest form.
    pub(super) fn then(self, other: Self) -> Vec<u8> {
        let mut file = self.file();
        let end = file.len();
        let first = file[4..8].to_vec();
        other.append(&mut file);
        // The second directory has written its place where that of the first belongs.
        file.copy_within(4..8, end - 4);
        file[4..8].copy_from_slice(&first);
        file
    }

    /// Writes the page, and its place as that of the first directory.
    fn append(mut self, file: &mut Vec<u8>) {
        let form = self.form;
        let size = if form.long_offsets { 8 } else { 4 };
        let mut places = Vec::new();
        for strip in &self.strips {
            places.push(file.len() as u64);
            file.extend(strip);
        }
        let lengths = self.strips.iter().map(|it| it.len() as u64).collect();
        for (tag, values) in self.places.into_iter().zip([places, lengths]).filter(|it| it.0 != 0) {
            self.tags.push((tag, if form.long_offsets { 16 } else { 4 }, values));
        }
        self.tags.sort_by_key(|it| it.0);
        if self.unsorted {
            self.tags.reverse();
        }
        let mut directory = form.number(self.tags.len() as u64, if form.long_offsets { 8 } else { 2 });
        for (tag, kind, values) in &self.tags {
            directory.extend(form.number((*tag).into(), 2));
            directory.extend(form.number((*kind).into(), 2));
            directory.extend(form.number(values.len() as u64, size));
            let width = [1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 4, 4, 8][usize::from(*kind)];
            let mut bytes: Vec<u8> = values.iter().flat_map(|it| form.number(*it, width)).collect();
            if size < bytes.len() {
                let place = form.number(file.len() as u64, size);
                file.extend(std::mem::replace(&mut bytes, place));
            }
            bytes.resize(size, 0);
            directory.extend(bytes);
        }
        let place = file.len();
        file.extend(directory);
        file.extend(vec![0; size]);
        file[size..2 * size].copy_from_slice(&form.number(place as u64, size));
    }
}
