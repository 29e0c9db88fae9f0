//! Parquet files of a folder, checked against what the manifest says of them before anything of them is decoded.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use arrow_schema::{DataType, Field};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use crate::error::{FolderError, counted};
use crate::file_identity::FileIdentity;
use crate::hash_cache::{self, HashCache};
use crate::manifest::OutputRecord;
use crate::parquet_in::projected;

/// Counts the bytes that are hashed at a time, on all threads.
const PIECE_BYTES: u64 = 8 << 20;

/// Holds a Parquet file whose content has been hashed, or was in the very state that it is in now.
#[derive(Clone, Debug)]
pub(crate) struct CheckedFile {
    path: PathBuf,
    identity: FileIdentity,
    blake3: String,
    metadata: ArrowReaderMetadata,
}

impl CheckedFile {
    /// Checks the file at `path` against `record`: its size, then its hash, then what its footer says.
    ///
    /// # Errors
    /// When it is not as `record` says, or can't be read.
    pub(crate) fn check(path: PathBuf, record: &OutputRecord, cache: &HashCache) -> Result<Self, FolderError> {
        let identity = identity_at(&path)?;
        if identity.bytes != record.bytes {
            let what = format!("has {}, and the manifest says {}", counted(identity.bytes, "byte"), record.bytes);
            return Err(FolderError::altered(&path, what));
        }
        if cache.find(&identity).as_ref() != Some(&record.blake3) {
            let begun = hash_cache::now();
            if hash(&path, identity)? != record.blake3 {
                let what = "its content is not the one that the manifest has the hash of".to_owned();
                return Err(FolderError::altered(&path, what));
            }
            if identity_at(&path)? == identity {
                cache.keep(&identity, begun, &record.blake3);
            }
        }
        let checked = Self::open(path, identity, record.blake3.clone())?;
        checked.check_footer(record)?;
        Ok(checked)
    }

    /// Hashes the file at `path`, and records what it is now as the manifest is to have it.
    ///
    /// # Errors
    /// When it can't be read, or is no Parquet file.
    pub(crate) fn record(path: PathBuf, name: &str) -> Result<(Self, OutputRecord), FolderError> {
        let identity = identity_at(&path)?;
        let blake3 = hash(&path, identity)?;
        let file = Self::open(path, identity, blake3.clone())?;
        let record = OutputRecord {
            file: name.to_owned(),
            rows: file.rows(),
            bytes: identity.bytes,
            blake3,
            row_groups: Some(file.metadata.metadata().num_row_groups() as u64),
            columns: file.columns()?,
        };
        Ok((file, record))
    }

    fn open(path: PathBuf, identity: FileIdentity, blake3: String) -> Result<Self, FolderError> {
        let file = open_as(&path, identity)?;
        let options = ArrowReaderOptions::default();
        let metadata = ArrowReaderMetadata::load(&file, options)
            .map_err(|source| FolderError::Parquet { path: path.clone(), source })?;
        Ok(Self { path, identity, blake3, metadata })
    }

    fn check_footer(&self, record: &OutputRecord) -> Result<(), FolderError> {
        let differs = |what: String| Err(FolderError::altered(&self.path, what));
        let (rows, groups) = (self.rows(), self.metadata.metadata().num_row_groups() as u64);
        if rows != record.rows {
            return differs(format!("has {}, and the manifest says {}", counted(rows, "row"), record.rows));
        }
        if let Some(said) = record.row_groups.filter(|&said| said != groups) {
            return differs(format!("has {}, and the manifest says {said}", counted(groups, "row group")));
        }
        let columns = self.columns()?;
        if record.columns.is_empty() || columns == record.columns {
            return Ok(());
        }
        let differing = record.columns.iter().find(|(name, kind)| columns.get(*name) != Some(kind));
        let differing = differing.or_else(|| columns.iter().find(|(name, _)| !record.columns.contains_key(*name)));
        let (name, _) = differing.expect("two lists that differ");
        let word = |columns: &BTreeMap<String, String>| columns.get(name).map_or("none", String::as_str).to_owned();
        let (is, said) = (word(&columns), word(&record.columns));
        differs(format!("column `{name}` is of type {is}, and the manifest says {said}"))
    }

    /// Returns where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Counts its rows.
    pub(crate) fn rows(&self) -> u64 {
        self.group_rows().fold(0, u64::saturating_add)
    }

    /// Counts the rows of each row group.
    pub(crate) fn group_rows(&self) -> impl Iterator<Item = u64> {
        let groups = self.metadata.metadata().row_groups().iter();
        // A negative number is none that any data goes with.
        groups.map(|group| u64::try_from(group.num_rows()).unwrap_or(u64::MAX))
    }

    /// Lists the types of the columns by name.
    pub(crate) fn columns(&self) -> Result<BTreeMap<String, String>, FolderError> {
        let mut columns = BTreeMap::new();
        for field in self.metadata.schema().fields() {
            if columns.insert(field.name().clone(), kind_of(field)).is_some() {
                return Err(FolderError::damaged(&self.path, format!("has two columns `{}`", field.name())));
            }
        }
        Ok(columns)
    }

    /// Reads the columns `names` of some row groups, or of all of them, in batches of `rows`.
    pub(crate) fn batches(
        &self,
        names: Option<&[&str]>,
        groups: Option<Vec<usize>>,
        rows: usize,
    ) -> Result<ParquetRecordBatchReader, FolderError> {
        let file = open_as(&self.path, self.identity)?;
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        if let Some(names) = names {
            builder = projected(builder, names);
        }
        if let Some(groups) = groups {
            builder = builder.with_row_groups(groups);
        }
        let reader = builder.with_batch_size(rows).build();
        reader.map_err(|source| FolderError::Parquet { path: self.path.clone(), source })
    }

    /// Checks that what was read of the file until now is what was hashed.
    pub(crate) fn is_unchanged(&self) -> Result<(), FolderError> {
        let now = identity_at(&self.path)?;
        // A backup changes the time too, by a link or by rights; then the hash says whether anybody wrote to the file.
        if now == self.identity || hash(&self.path, self.identity)? == self.blake3 {
            return Ok(());
        }
        Err(changed(&self.path))
    }
}

/// Returns the identity of the file at `path`.
fn identity_at(path: &Path) -> Result<FileIdentity, FolderError> {
    // Before it is opened: to open a pipe is to wait for somebody who writes to it.
    let found = fs::metadata(path).map_err(FolderError::io(path))?;
    if !found.is_file() {
        return Err(FolderError::damaged(path, "is not a plain file"));
    }
    Ok(FileIdentity::of(&found))
}

/// Opens the file, which must still have the content of `identity`.
fn open_as(path: &Path, identity: FileIdentity) -> Result<File, FolderError> {
    let file = File::open(path).map_err(FolderError::io(path))?;
    let found = FileIdentity::of(&file.metadata().map_err(FolderError::io(path))?);
    if found.has_content_of(&identity) { Ok(file) } else { Err(changed(path)) }
}

fn changed(path: &Path) -> FolderError {
    FolderError::Changed { path: path.to_owned() }
}

/// Computes BLAKE3 of the file, on all threads.
fn hash(path: &Path, identity: FileIdentity) -> Result<String, FolderError> {
    let mut file = open_as(path, identity)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = Vec::with_capacity(PIECE_BYTES.min(identity.bytes) as usize);
    loop {
        piece.clear();
        let read = file.by_ref().take(PIECE_BYTES).read_to_end(&mut piece).map_err(FolderError::io(path))?;
        if read == 0 {
            break;
        }
        hasher.update_rayon(&piece);
    }
    let after = FileIdentity::of(&file.metadata().map_err(FolderError::io(path))?);
    if !after.has_content_of(&identity) {
        return Err(changed(path));
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Names the type of a column.
fn kind_of(field: &Field) -> String {
    match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int32 => "int32".to_owned(),
        DataType::Int64 => "int64".to_owned(),
        DataType::Float32 => "float32".to_owned(),
        DataType::Float64 => "float64".to_owned(),
        DataType::Date32 => "date".to_owned(),
        other => other.to_string(),
    }
}
